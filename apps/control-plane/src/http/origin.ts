/** What a request says of where it comes from and goes to. */
export interface OriginFacts {
  /** The `Origin` header: browsers send it, programs do not. */
  readonly origin: string | undefined
  /** The `Host` header. */
  readonly host: string | undefined
}

/** Whether a browser's page of another site sent it. A request without an origin is no browser's cross-site one. */
export function isForeign({ origin, host }: OriginFacts, publicUrl: string | undefined): boolean {
  if (origin === undefined) return false
  if (publicUrl !== undefined && origin === URL.parse(publicUrl)?.origin) return false
  // Scheme apart: behind a proxy that ends TLS we are spoken to in plain HTTP.
  return URL.parse(origin)?.host !== host
}
