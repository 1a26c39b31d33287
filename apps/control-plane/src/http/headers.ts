/** For the console: its own files only. Styles may be inline, for its parts place themselves with them; scripts never. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** For everything else: an answer of the API is never a page, whatever it contains. */
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"

const ALWAYS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
} as const

/** Headers that tell a browser what an answer of ours may do. `secure` is whether the caller came over TLS. */
export function securityHeaders({
  page,
  secure,
}: {
  readonly page: boolean
  readonly secure: boolean
}): Record<string, string> {
  return {
    ...ALWAYS,
    'content-security-policy': page ? PAGE_POLICY : DATA_POLICY,
    ...(secure && { 'strict-transport-security': 'max-age=31536000; includeSubDomains' }),
  }
}
