import type { Clock } from '@fog/kernel'
import type { AccessStore, AuditEntry } from '../ports.ts'

/** What is noted, without its time. */
export type Act = Omit<AuditEntry, 'at' | 'facts'> & { readonly facts?: AuditEntry['facts'] }

/** Notes a security-relevant act, in the transaction that does it. Never a secret, nor a name nobody has. */
export async function noteAct(store: AccessStore, clock: Clock, act: Act): Promise<void> {
  await store.audit({ facts: {}, ...act, at: clock.now() })
}
