import type { HandlerDependencies, Handlers } from '../handler.ts'
import { contentHandlers } from './content.ts'
import { frontHandlers } from './fronts.ts'
import { jobHandlers } from './jobs.ts'
import { keyHandlers } from './keys.ts'
import { ledgerHandlers } from './ledger.ts'
import { mixnetHandlers } from './mixnet.ts'
import { nodeHandlers } from './nodes.ts'
import { overviewHandlers } from './overview.ts'
import { peopleHandlers } from './people.ts'
import { quotaHandlers } from './quotas.ts'
import { scheduleHandlers } from './schedules.ts'
import { sessionHandlers } from './sessions.ts'
import { tierHandlers } from './tiers.ts'

/** A handler for every route of the contract. */
export function makeHandlers(dependencies: HandlerDependencies): Handlers {
  return {
    ...sessionHandlers(dependencies),
    ...peopleHandlers(dependencies),
    ...keyHandlers(dependencies),
    ...nodeHandlers(dependencies),
    ...contentHandlers(dependencies),
    ...jobHandlers(dependencies),
    ...scheduleHandlers(dependencies),
    ...quotaHandlers(dependencies),
    ...ledgerHandlers(dependencies),
    ...overviewHandlers(dependencies),
    ...tierHandlers(dependencies),
    ...frontHandlers(dependencies),
    ...mixnetHandlers(dependencies),
  }
}
