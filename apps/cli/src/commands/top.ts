import type { Command } from 'commander'
import type { JobView, NodeView, OverviewView } from '@fog/contract'
import type { Fog } from '@fog/sdk'
import { addCommand, type Runner } from '../command.ts'
import { EXIT, Interrupted } from '../exit-code.ts'
import type { CommonFlags, Invocation } from '../invocation.ts'
import { topText } from '../show/top-text.ts'

/** What one look shows. */
export interface TopView {
  readonly overview: OverviewView
  readonly nodes: readonly NodeView[]
  readonly jobs: readonly JobView[]
}

const MOST_NODES = 50
const MOST_JOBS = 30
/** ECMA-48 and xterm: another screen without a cursor, and back. */
const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'

export function addTop(program: Command, runner: Runner): void {
  addCommand(program, {
    usage: 'top',
    summary: 'Shows nodes, queue and jobs as they change; q leaves',
    more: 'Where there is no terminal it prints one look.',
    examples: [
      ['fog top', 'live'],
      ['fog top --json | jq .overview.queue', 'one look, for a script'],
    ],
  }).action((flags: CommonFlags) =>
    runner.run(flags, async (it) => {
      const fog = await it.fog()
      const { stdout, stdin } = it.terminal
      if (it.json || !stdout.isTerminal || !stdin.isTerminal) {
        const view = await look(fog)
        return it.show(view, () => frameOf(it, view, Number.MAX_SAFE_INTEGER))
      }
      return live(it, fog)
    }),
  )
}

async function look({ client }: Fog): Promise<TopView> {
  const [overview, nodes, jobs] = await Promise.all([
    client.call('getOverview', {}),
    client.call('listNodes', { query: { limit: MOST_NODES } }),
    client.call('listJobs', { query: { limit: MOST_JOBS } }),
  ])
  return { overview, nodes: nodes.items, jobs: jobs.items }
}

async function live(it: Invocation, fog: Fog): Promise<number> {
  const { stdout, stdin } = it.terminal
  const left = new AbortController()
  const leave = () => left.abort(new Interrupted('left'))
  const ignoreKeys = stdin.onKey((key) => {
    // In raw mode Ctrl-C is a key like any other.
    if (key === 'q' || key === 'Q' || key === '\u0003' || key === '\u001b') leave()
  })
  const ignoreSignals = it.terminal.onInterrupt(leave)
  await stdout.write(ENTER)
  let view: TopView | undefined
  const draw = () => view && void stdout.write(`\u001b[H${frameOf(it, view, stdout.rows)}\u001b[J`)
  // Times go on even when nothing happens.
  const ticking = setInterval(draw, 1000)
  try {
    for await (view of fog.watch({ signal: left.signal }, () => look(fog))) draw()
  } catch (fault) {
    if (!left.signal.aborted) throw fault
  } finally {
    clearInterval(ticking)
    ignoreKeys()
    ignoreSignals()
    await stdout.write(LEAVE)
  }
  return EXIT.ok
}

function frameOf(it: Invocation, view: TopView, rows: number): string {
  const { columns, isTerminal } = it.terminal.stdout
  return topText(view, { now: it.now(), columns: isTerminal ? columns : 200, rows, colours: it.colours })
}
