import { type Scope, SCOPES } from '@fog/contract'
import type { Role } from '../ports.ts'

const MEMBER_SCOPES: readonly Scope[] = SCOPES.filter((scope) => scope !== 'admin')

/** What a user of this role may do. */
export function scopesOf(role: Role): readonly Scope[] {
  return role === 'admin' ? SCOPES : MEMBER_SCOPES
}

/** `admin` includes the rest. */
export function may(scopes: ReadonlySet<Scope>, scope: Scope): boolean {
  return scopes.has(scope) || scopes.has('admin')
}
