import type { Scope } from '@fog/contract'

/** What each right means, for the person who gives it away. */
export const SCOPE_WORDS: Readonly<Record<Scope, string>> = {
  'jobs:read': 'See jobs and results',
  'jobs:write': 'Submit and cancel jobs',
  'nodes:read': 'See nodes',
  'nodes:write': 'Add and change nodes',
  'ledger:read': 'See transfers',
  'ledger:write': 'Move tokens',
  'account:write': 'Make and revoke API tokens',
  admin: 'Everything an admin may do',
}
