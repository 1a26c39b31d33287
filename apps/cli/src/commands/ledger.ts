import type { Command } from 'commander'
import type { LedgerAuditView, TransferView } from '@fog/contract'
import { isId, parseTokens } from '@fog/kernel'
import { pages } from '@fog/sdk'
import { addCommand, addGroup, type Runner, wholeNumber } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { findUser } from '../find.ts'
import type { CommonFlags, Invocation } from '../invocation.ts'
import { take } from '../job-lists.ts'
import { factsText, tableText } from '../show/table.ts'
import { agoText, grouped, plainText } from '../show/words.ts'

export function addLedger(program: Command, runner: Runner): void {
  const group = addGroup(program, {
    usage: 'ledger',
    summary: 'Shows your tokens, and audits the books',
    examples: [
      ['fog ledger balance', 'what you have, and what is on hold'],
      ['fog ledger history', 'what moved it'],
      ['fog ledger audit', 'recomputes the books; ends with 1 if they are not sound'],
    ],
  })
  addBalance(group, runner)
  addHistory(group, runner)
  addAudit(group, runner)
  addGrant(group, runner)
}

function addBalance(group: Command, runner: Runner): void {
  addCommand(group, {
    usage: 'balance',
    summary: 'Shows what you have and what is on hold',
    examples: [['fog ledger balance --json | jq -r .available', 'only the number']],
  }).action((flags: CommonFlags) =>
    runner.run(flags, async (it) => {
      const { accountId, available, onHold } = await (await it.fog()).client.call('getMe', {})
      await it.show({ accountId, available, onHold }, () =>
        factsText(
          [
            ['Available', `${it.colours.bold(available)} tokens`],
            ['On hold', `${onHold} tokens, for jobs that are not settled`],
            ['Account', accountId],
          ],
          it.colours,
        ),
      )
    }),
  )
}

function addHistory(group: Command, runner: Runner): void {
  addCommand(group, {
    usage: 'history',
    summary: 'Lists transfers of your account, newest first',
    examples: [['fog ledger history --limit 200', 'more of them']],
  })
    .addOption(wholeNumber('--limit <n>', 'how many at most', { min: 1, max: 100_000 }).default(50))
    .action(({ limit, ...flags }: CommonFlags & { readonly limit: number }) =>
      runner.run(flags, async (it) => {
        const fog = await it.fog()
        const query = { limit: Math.min(limit, 500) }
        const transfers = await take(
          pages((after) => fog.client.call('listTransfers', { query: { ...query, ...after } })),
          limit,
        )
        await it.show(transfers, () => historyText(it, transfers))
      }),
    )
}

function historyText(it: Invocation, transfers: readonly TransferView[]): string {
  if (transfers.length === 0) return 'Nothing has moved yet.'
  const columns = [
    { title: 'WHEN' },
    { title: 'KIND' },
    { title: 'AMOUNT', align: 'right' },
    { title: 'WITH' },
    { title: 'FOR' },
  ] as const
  const rows = transfers.map((transfer) => [
    agoText(transfer.at, it.now()),
    transfer.kind,
    transfer.amount.startsWith('-') ? it.colours.red(transfer.amount) : it.colours.green(`+${transfer.amount}`),
    others(transfer).join(', '),
    plainText(transfer.reference),
  ])
  return tableText(columns, rows, it.colours)
}

/** The sides that moved the other way. */
function others({ amount, postings }: TransferView): string[] {
  const isOut = amount.startsWith('-')
  const against = postings.filter((posting) => posting.amount.startsWith('-') !== isOut)
  return [...new Set(against.map(({ name }) => plainText(name)))]
}

function addAudit(group: Command, runner: Runner): void {
  addCommand(group, {
    usage: 'audit',
    summary: 'Recomputes the books from their postings; ends with 1 if they are not sound',
    examples: [['fog ledger audit', 'sums to zero, or says where it does not']],
  }).action((flags: CommonFlags) =>
    runner.run(flags, async (it) => {
      const audit = await (await it.fog()).client.call('auditLedger', {})
      await it.show(audit, () => auditText(it, audit))
      return audit.sound ? EXIT.ok : EXIT.failed
    }),
  )
}

function auditText(it: Invocation, audit: LedgerAuditView): string {
  const { colours } = it
  const verdict = audit.sound
    ? `${colours.green('✓')} The books are sound.`
    : `${colours.red('✗')} The books are not sound.`
  const facts = factsText(
    [
      ['Sum', `${audit.total} over all accounts; it must be 0`],
      ['Minted', audit.minted],
      ['On hold', `${audit.escrow} in ${grouped(audit.holdsOpen)} open holds`],
      ['Looked at', `${grouped(audit.accounts)} accounts, ${grouped(audit.transfers)} transfers`],
    ],
    colours,
  )
  return [verdict, ...audit.findings.map((finding) => `  ${colours.red(finding)}`), '', facts].join('\n')
}

interface GrantFlags extends CommonFlags {
  readonly reference?: string
}

function addGrant(group: Command, runner: Runner): void {
  addCommand(group, {
    usage: 'grant <user> <tokens>',
    summary: 'Mints tokens into an account (admins)',
    examples: [
      ['fog ledger grant ada 100', 'by name'],
      ['fog ledger grant acct_… 0.5 --reference "for the demo"', 'by account'],
    ],
  })
    .option('--reference <text>', 'what it is for')
    .action((text: string, tokens: string, { reference, ...flags }: GrantFlags) =>
      runner.run(flags, async (it) => {
        parseTokens(tokens)
        const fog = await it.fog()
        const accountId = isId('account', text) ? text : (await findUser(fog, text)).accountId
        const body = { accountId, amount: tokens, ...(reference !== undefined && { reference }) }
        const transfer = await fog.client.call('grant', { body })
        await it.show(transfer, () => `Granted ${transfer.amount} tokens to ${text}.`)
      }),
    )
}
