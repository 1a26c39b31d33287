import { type Tier, TIER_TERMS, TIERS } from '../tier.ts'

/** Of the time within which a lost task must run again, so much may pass until the loss is noticed; the rest is for placing it anew. */
const NOTICED_WITHIN = 0.5

/** How long an attempt lives after its node was heard of last: as the setting says, and shorter where its tier promises a restart sooner. */
export function leaseMsOf(tier: Tier, settingMs: number): number {
  const { restartMs } = TIER_TERMS[tier]
  return restartMs === undefined ? settingMs : Math.min(settingMs, restartMs * NOTICED_WITHIN)
}

/** The shortest of any tier: what renews leases and looks for those that ended does so a few times within it. */
export function shortestLeaseMs(settingMs: number): number {
  return Math.min(...TIERS.map((tier) => leaseMsOf(tier, settingMs)))
}
