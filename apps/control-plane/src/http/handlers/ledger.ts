import {
  type AccountId,
  type Amount,
  isId,
  newId,
  parseId,
  parseTokens,
  type TransferId,
  formatTokens,
} from '@fog/kernel'
import { Ledger, type Transfer } from '@fog/tokenomics'
import { noteAct } from '../../access/audit.ts'
import type { KnownCaller } from '../../access/known-caller.ts'
import type { Platform } from '../../platform.ts'
import { onHoldOf } from '../account.ts'
import type { HandlerDependencies, Handlers } from '../handler.ts'
import { pageOf } from '../paging.ts'
import { ledgerAuditView, transferView } from '../views.ts'

export function ledgerHandlers({
  platform,
}: HandlerDependencies): Pick<Handlers, 'listTransfers' | 'grant' | 'auditLedger'> {
  const { database, clock, rng } = platform
  return {
    listTransfers: async ({ caller: { accountId }, query, reach }) => {
      const before = query.after === undefined ? undefined : parseId('transfer', query.after)
      return pageOf(
        query,
        (limit) => database.read.ledger.listTransfers({ accountId, before, limit }),
        (transfer) => transfer.transferId,
        async (transfers) => {
          const names = await accountNames(platform, transfers)
          const shown = reach === 'mixnet' ? transfers : await withoutSecrets(platform, transfers, accountId)
          return shown.map((transfer) => transferView(transfer, accountId, names))
        },
      )
    },

    grant: async ({ caller, body }) => {
      const accountId = parseId('account', body.accountId)
      const transfer = await grant(platform, caller, {
        accountId,
        amount: parseTokens(body.amount),
        reference: body.reference ?? `grant by ${caller.name}`,
        transferId:
          body.transferId === undefined ? newId('transfer', clock.now(), rng) : parseId('transfer', body.transferId),
      })
      return transferView(transfer, accountId, await accountNames(platform, [transfer]))
    },

    auditLedger: async () => ledgerAuditView(await new Ledger({ store: database.read.ledger, clock }).audit()),
  }
}

/** Payments of secret jobs, over an ordinary connection, as the amount alone: not which job, nor who was paid for it. */
async function withoutSecrets(
  { database }: Platform,
  transfers: readonly Transfer[],
  accountId: AccountId,
): Promise<Transfer[]> {
  const named = transfers.flatMap(({ reference }) => (isId('job', reference) ? [parseId('job', reference)] : []))
  const secret: ReadonlySet<string> = await database.read.jobs.secretAmong([...new Set(named)])
  return transfers.map((transfer) => {
    if (!secret.has(transfer.reference)) return transfer
    const postings = transfer.postings.filter((posting) => posting.accountId === accountId)
    return { ...transfer, reference: 'a secret job', postings }
  })
}

interface Grant {
  readonly transferId: TransferId
  readonly accountId: AccountId
  readonly amount: Amount
  readonly reference: string
}

/** Mints tokens into an account, and says so in the audit log and the feed. Again with the same id changes nothing. */
async function grant(platform: Platform, caller: KnownCaller, order: Grant): Promise<Transfer> {
  const { database, clock } = platform
  const { accountId, transferId } = order
  const transfer = await database.transact(async (tx) => {
    const isRepeated = (await tx.ledger.findTransfer(transferId)) !== undefined
    const { userId: actor, address } = caller
    const facts = { tokens: formatTokens(order.amount), transferId }
    if (!isRepeated) {
      await noteAct(tx.access, clock, { actor, action: 'ledger.granted', subject: accountId, address, facts })
    }
    return new Ledger({ store: tx.ledger, clock }).mint(order)
  })
  await tellAccount(platform, accountId)
  return transfer
}

/** Told after the commit: the balances are those that now hold, and a lost one costs a reload at most. */
async function tellAccount(platform: Platform, accountId: AccountId): Promise<void> {
  const data = await onHoldOf(platform, accountId)
  await platform.database.transact(async (tx) => {
    await tx.events.append([{ type: 'account.changed', at: platform.clock.now(), accountId, data }])
    tx.wake('events')
  })
}

async function accountNames({ database }: Platform, transfers: readonly Transfer[]): Promise<Map<AccountId, string>> {
  const ids = [...new Set(transfers.flatMap(({ postings }) => postings.map(({ accountId }) => accountId)))]
  const accounts = await Promise.all(ids.map((accountId) => database.read.ledger.findAccount(accountId)))
  return new Map(accounts.flatMap((account) => (account ? [[account.accountId, account.name] as const] : [])))
}
