const HOUR_MS = 60 * 60_000

/**
 * What waited so long goes before all newer tasks of the tiers whose wait nothing else bounds, Silver and Bronze, and after
 * Platinum and Gold, which wait for seconds: so the humblest tier's wait has a bound.
 */
export const AGEING_MS = 24 * HOUR_MS

/**
 * A quarter of it: from then on a reservation for what waits trusts no run time that was foreseen, only the limit at which
 * every run is cut off, so that no wrong guess makes it wait longer.
 */
export const LATE_MS = AGEING_MS / 4
