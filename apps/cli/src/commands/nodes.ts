import { Argument, type Command } from 'commander'
import { addCommand, type Runner } from '../command.ts'
import { findNode } from '../find.ts'
import type { CommonFlags, Invocation } from '../invocation.ts'
import { take } from '../job-lists.ts'
import { nodeFactsText, nodesText } from '../show/node-texts.ts'
import { plainText } from '../show/words.ts'

const DUTIES = { drain: 'draining', resume: 'active', quarantine: 'quarantined', retire: 'retired' } as const
type Act = keyof typeof DUTIES

interface NodesFlags extends CommonFlags {
  readonly mine?: boolean
  readonly retired?: boolean
}

export function addNodes(program: Command, runner: Runner): void {
  addCommand(program, {
    usage: 'nodes',
    summary: 'Lists nodes, shows one, or changes its duty',
    more: 'drain: ends what it runs, takes nothing new. resume: takes work again. quarantine: what it runs goes elsewhere at once. retire: it never comes back.',
    examples: [
      ['fog nodes', 'all nodes, and why one takes no work'],
      ['fog nodes cellar', 'one, by name, id, or the beginning of an id'],
      ['fog nodes cellar drain', 'before you switch it off'],
    ],
  })
    .addArgument(new Argument('[node]', 'its name or id'))
    .addArgument(new Argument('[act]', 'what to do with it').choices(Object.keys(DUTIES)))
    .option('--mine', 'only those you own')
    .option('--retired', 'retired ones too')
    .action((node: string | undefined, act: Act | undefined, flags: NodesFlags) =>
      runner.run(flags, (it) => {
        if (node === undefined) return listNodes(it, flags)
        return act === undefined ? showNode(it, node) : changeNode(it, node, act)
      }),
    )
}

async function listNodes(it: Invocation, { mine, retired }: NodesFlags): Promise<void> {
  const fog = await it.fog()
  const nodes = await take(fog.nodes({ ...(mine && { mine }), ...(retired && { retired }) }))
  const none = 'No device has joined. Start one here with `fog up`, or make a join token with `fog token join`.'
  await it.show(nodes, () => (nodes.length === 0 ? none : nodesText(nodes, it.now(), it.colours)))
}

async function showNode(it: Invocation, text: string): Promise<void> {
  const node = await findNode(await it.fog(), text)
  await it.show(node, () => nodeFactsText(node, it.now(), it.colours))
}

const DONE: Readonly<Record<Act, string>> = {
  drain: 'ends what it runs and takes nothing new',
  resume: 'takes work again',
  quarantine: 'is out of service; what it ran goes elsewhere',
  retire: 'is retired for good',
}

async function changeNode(it: Invocation, text: string, act: Act): Promise<void> {
  const fog = await it.fog()
  const { nodeId } = await findNode(fog, text)
  const node = await fog.client.call('setNodeDuty', { params: { nodeId }, body: { duty: DUTIES[act] } })
  await it.show(node, () => `${plainText(node.name)} ${DONE[act]}.`)
}
