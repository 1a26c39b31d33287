import { REFRESH_COOKIE } from '@fog/contract'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock, Instant } from '@fog/kernel'
import { AccessError } from '../access/errors.ts'
import { isForeign } from './origin.ts'

/** Sent only to the routes that need it. */
const PATH = '/v1/sessions'

/** The refresh token a browser keeps for its user, out of reach of scripts (RFC 6265bis). */
export interface RefreshCookie {
  /** What the browser sent. Throws `access.origin_refused` when a page of another site made it send it. */
  read(): string | undefined
  keep(token: string, until: Instant): void
  forget(): void
}

export function refreshCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  { publicUrl, clock }: { readonly publicUrl: string | undefined; readonly clock: Clock },
): RefreshCookie {
  const name = cookieName(request)
  const secure = request.protocol === 'https' || publicUrl?.startsWith('https:') === true
  const write = (value: string, seconds: number) => {
    const parts = [`${name}=${value}`, `Path=${PATH}`, `Max-Age=${seconds}`, 'HttpOnly', 'SameSite=Strict']
    void reply.header('set-cookie', [...parts, ...(secure ? ['Secure'] : [])].join('; '))
  }
  return {
    read: () => {
      const { origin, host } = request.headers
      const token = cookieIn(request.headers.cookie, name)
      // SameSite keeps other sites out; this keeps out other ports of this host, which are the same site.
      if (token !== undefined && isForeign({ origin, host }, publicUrl)) {
        throw new AccessError({ code: 'access.origin_refused', origin: origin!.slice(0, 200) })
      }
      return token
    },
    keep: (token, until) => write(token, Math.max(0, Math.floor((until - clock.now()) / 1000))),
    forget: () => write('', 0),
  }
}

/** Cookies know no ports: the port in the name keeps two fogs on one machine apart. */
function cookieName(request: FastifyRequest): string {
  const port = /:(\d{1,5})$/.exec(request.headers.host ?? '')?.[1]
  return port === undefined ? REFRESH_COOKIE : `${REFRESH_COOKIE}_${port}`
}

function cookieIn(header: string | undefined, name: string): string | undefined {
  const pairs = (header ?? '').split(';').map((pair) => pair.trim())
  const found = pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1)
  return found === '' ? undefined : found
}
