import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { addCommand, addGroup, type Runner, usageFault, wholeNumber } from '../command.ts'
import type { CommonFlags, Invocation } from '../invocation.ts'
import { askLocalMix, findLocalMix } from '../mix/local-mix.ts'
import { directoryUrl, type MixLine, runMixNode, runMixPeer } from '../mix/mix-program.ts'
import { peerEnvironment } from '../mix/peer-environment.ts'
import { type AuditView, auditText, localMixText, peerNoteText, topologyText } from '../mix/mix-texts.ts'
import { plainText } from '../show/words.ts'

interface RunFlags {
  readonly json?: boolean
  readonly config?: string
  readonly url?: string
  readonly dir?: string
}

interface StatusFlags extends CommonFlags {
  readonly dir?: string
  readonly admin?: string
}

interface PeerFlags {
  readonly json?: boolean
  readonly url?: string
}

interface AuditFlags extends PeerFlags {
  readonly epoch?: number
  readonly epochs?: number
  readonly probes?: number
  readonly slack?: number
  readonly wait?: boolean
}

interface SendFlags extends PeerFlags {
  readonly file?: string
  readonly anonymous?: boolean
  readonly seconds?: number
}

export function addMix(program: Command, runner: Runner): void {
  const group = addGroup(program, {
    usage: 'mix',
    summary: 'Serves in the mixnet, looks after it, and sends through it',
    examples: [
      ['fog mix run --config mix.yaml', 'a node, until Ctrl-C'],
      ['fog mix topology', 'who mixes where'],
      ['fog mix audit --probes 200 --wait', 'whether nodes do what they must'],
      ['fog mix inbox', 'prints what comes for you'],
      ['fog mix tunnel', 'a way to the fog for programs of yours'],
    ],
  })
  addRunNode(group, runner)
  addStatus(group, runner)
  addTopology(group, runner)
  addAudit(group, runner)
  addSend(group, runner)
  addInbox(group, runner)
  addTunnel(group, runner)
}

function addRunNode(group: Command, runner: Runner): void {
  addCommand(
    group,
    {
      usage: 'run',
      summary: 'Runs a mix node or a gateway here, until Ctrl-C',
      more: 'It pins the network it meets first, and needs a join token once: FOG_JOIN_TOKEN, or a file named by FOG_JOIN_TOKEN_FILE. Ctrl-C drains it; a second one ends it at once. docs/mixnet.md has the configuration.',
      examples: [
        ['fog mix run --config mix.yaml', 'as the file says'],
        ['FOG_JOIN_TOKEN=… fog mix run --url http://fog.example:7070', 'the first time'],
      ],
    },
    { server: false },
  )
    .option('--config <file>', 'its configuration, YAML or JSON (else FOG_MIX_CONFIG)')
    .option('--url <address>', 'the fog whose mixnet it serves (else FOG_MIX_URL, FOG_URL)')
    .option('--dir <folder>', 'its own folder (else FOG_MIX_DIR, or mix in FOG_DATA_DIR)')
    .action((flags: RunFlags) =>
      runner.run(flags.json ? { json: true } : {}, (it) => {
        const args = flags.config === undefined ? [] : ['--config', flags.config]
        return runMixNode(it, args, {
          ...it.config.environment,
          FOG_DATA_DIR: it.config.dataDir,
          ...(flags.url !== undefined && { FOG_MIX_URL: flags.url }),
          ...(flags.dir !== undefined && { FOG_MIX_DIR: flags.dir }),
        })
      }),
    )
}

function addStatus(group: Command, runner: Runner): void {
  addCommand(group, {
    usage: 'status',
    summary: 'Shows how the mix node of this machine stands, and the network around it',
    more: 'Without a node here it shows the network alone; without a fog to ask, the node alone.',
    examples: [
      ['fog mix status', 'packets, drops, loops, times'],
      ['fog mix status --admin http://127.0.0.1:7071', 'a node with a port for its status'],
    ],
  })
    .option('--dir <folder>', "the node's folder (else FOG_MIX_DIR, or mix in FOG_DATA_DIR)")
    .option('--admin <address>', 'where its status is: unix:/path or http://127.0.0.1:port')
    .action((flags: StatusFlags) => runner.run(flags, (it) => showStatus(it, flags)))
}

async function showStatus(it: Invocation, { dir, admin }: StatusFlags): Promise<void> {
  const folder = dir ?? it.config.mixDir ?? join(it.config.dataDir, 'mix')
  const place = admin ?? (await findLocalMix(folder))
  // Asked for by name, a node that is not there is a fault; else whoever asks may want the network only.
  const node = place === undefined ? undefined : await askLocalMix(place)
  const network = await networkOf(it, node !== undefined)
  await it.show({ node, network }, () =>
    [
      ...(node ? [localMixText(node, it.now(), it.colours)] : ['No mix node runs here.']),
      ...(network ? ['', topologyText(network, it.now(), it.colours)] : []),
    ].join('\n'),
  )
}

/** The network as the fog shows it; a node's own status is worth showing without. */
async function networkOf(it: Invocation, hasNode: boolean) {
  try {
    const fog = await it.fog()
    return await fog.client.call('getMixTopology', {})
  } catch (fault) {
    if (!hasNode) throw fault
    return undefined
  }
}

function addTopology(group: Command, runner: Runner): void {
  addCommand(group, {
    usage: 'topology',
    summary: 'Shows who mixes where: places, weights, faults, what nodes reported',
    examples: [
      ['fog mix topology', 'of the epoch that runs'],
      ['fog mix topology --epoch 41', 'of another one'],
    ],
  })
    .addOption(wholeNumber('--epoch <number>', 'an epoch', { min: 1, max: Number.MAX_SAFE_INTEGER }))
    .action((flags: CommonFlags & { readonly epoch?: number }) =>
      runner.run(flags, async (it) => {
        const fog = await it.fog()
        const { epoch } = flags
        const query = epoch === undefined ? {} : { epoch }
        const view = await fog.client.call('getMixTopology', { query })
        await it.show(view, () => topologyText(view, it.now(), it.colours))
      }),
    )
}

function addAudit(group: Command, runner: Runner): void {
  addPeerCommand(group, {
    usage: 'audit [node]',
    summary: 'Checks what authorities signed and nodes revealed, and compares delays with it',
    more: 'It trusts nothing but the keys it pinned: it draws the lottery again, verifies reveals and beacons, and compares histograms and probes. It says what it checked and what cannot be known. It ends with 1 when something is wrong.',
    examples: [
      ['fog mix audit', 'the last twelve epochs'],
      ['fog mix audit 4f1c --probes 200 --wait', 'one node, with probes of your own, when their reveals are out'],
    ],
  })
    .addOption(wholeNumber('--epoch <number>', 'this epoch and the four before it', { min: 1, max: 999_999_999 }))
    .addOption(wholeNumber('--epochs <count>', 'so many of the latest', { min: 1, max: 10_000 }))
    .addOption(wholeNumber('--probes <count>', 'packets to send through the network first', { min: 1, max: 10_000 }))
    .addOption(wholeNumber('--slack <ms>', 'what links and machines may add to a probe: 50', { min: 0, max: 60_000 }))
    .option('--wait', 'wait until the delays of the probes are revealed: two epochs and more')
    .action((node: string | undefined, flags: AuditFlags) =>
      runner.run(flags.json ? { json: true } : {}, async (it) => {
        const { epoch, epochs, probes, slack, wait } = flags
        const numbers = Object.entries({ epoch, epochs, probes, slack }).filter(([, value]) => value !== undefined)
        const args = [
          'audit',
          ...(node === undefined ? [] : ['--node', node]),
          ...numbers.flatMap(([name, value]) => [`--${name}`, String(value)]),
          ...(wait === true ? ['--wait'] : []),
        ]
        return runMixPeer(
          it,
          { args, environment: await peerEnvironment(it, await directoryUrl(it, flags.url)) },
          async (line) => {
            if (line.type === 'probed')
              await it.note(`${String(line['probes'])} probes sent, ${String(line['lost'])} lost.`)
            if (line.type === 'audit') await it.show(line, () => auditText(line as unknown as AuditView, it.colours))
          },
        )
      }),
    )
}

function addSend(group: Command, runner: Runner): void {
  addPeerCommand(group, {
    usage: 'send <peer> [text]',
    summary: 'Sends a message through the mixnet, and waits until its recipient has it',
    more: 'The recipient learns your key. With --anonymous it is sent under a key of its own; do so as well while your inbox is open.',
    examples: [
      ['fog mix send 61ce…3f "see you at nine"', 'to whom `fog mix inbox` showed that address'],
      ['fog mix send 61ce…3f --file plan.pdf', 'up to a MiB'],
    ],
  })
    .option('--file <path>', 'what is in this file; - for standard input')
    .option('--anonymous', 'under a key made for this message')
    .addOption(wholeNumber('--seconds <count>', 'give up after so long: 120', { min: 1, max: 86_400 }))
    .action((peer: string, text: string | undefined, flags: SendFlags) =>
      runner.run(flags.json ? { json: true } : {}, async (it) => {
        if ((text === undefined) === (flags.file === undefined))
          throw usageFault('Say what to send: a text, or --file.')
        const input = await contentOf(it, text, flags.file)
        const args = [
          'send',
          peer,
          ...(flags.anonymous === true ? ['--anonymous'] : []),
          ...(flags.seconds === undefined ? [] : ['--seconds', String(flags.seconds)]),
        ]
        return runMixPeer(
          it,
          { args, input, environment: await peerEnvironment(it, await directoryUrl(it, flags.url)) },
          async (line) => {
            const note = peerNoteText(line)
            if (note !== undefined) return it.note(note)
            if (line.type !== 'sent') return
            await it.show(line, () => `It has all ${String(line['bytes'])} bytes, after ${String(line['ms'])} ms.`)
          },
        )
      }),
    )
}

async function contentOf(it: Invocation, text: string | undefined, file: string | undefined): Promise<Uint8Array> {
  if (text !== undefined) return new TextEncoder().encode(text)
  if (file !== '-') return new Uint8Array(await readFile(file!))
  const parts: Uint8Array[] = []
  for await (const part of it.terminal.stdin) parts.push(part)
  return new Uint8Array(Buffer.concat(parts))
}

function addInbox(group: Command, runner: Runner): void {
  addPeerCommand(group, {
    usage: 'inbox',
    summary: 'Prints messages that come for you through the mixnet, with their senders',
    more: 'Your key is made the first time and kept in the data folder; the address shown is what others send to. With --json, a line for each message.',
    examples: [
      ['fog mix inbox', 'until Ctrl-C'],
      ['fog mix inbox --count 1 --json', 'waits for one'],
    ],
  })
    .addOption(wholeNumber('--count <messages>', 'end after so many', { min: 1, max: 999_999_999 }))
    .action((flags: PeerFlags & { readonly count?: number }) =>
      runner.run(flags.json ? { json: true } : {}, async (it) => {
        const args = ['inbox', ...(flags.count === undefined ? [] : ['--count', String(flags.count)])]
        return runMixPeer(
          it,
          { args, environment: await peerEnvironment(it, await directoryUrl(it, flags.url)) },
          (line) => showInboxLine(it, line),
        )
      }),
    )
}

async function showInboxLine(it: Invocation, line: MixLine): Promise<void> {
  if (it.json) return it.showNext(line, () => '')
  if (line.type === 'listening') return it.note(`Your address is ${String(line['peer'])}.`)
  const note = peerNoteText(line)
  if (note !== undefined) return it.note(note)
  const { from, at, bytes, text } = line
  const shown =
    typeof text === 'string' ? plainText(text) : `(${String(bytes)} bytes that are no text; --json shows them)`
  const time = new Date(Number(at)).toTimeString().slice(0, 8)
  await it.showNext(line, () => `${it.colours.dim(`${time} ${String(from)}`)}\n${shown}`)
}

/** A command of a peer: it asks a directory and no more of the fog, so it needs no token. */
function addPeerCommand(group: Command, text: Parameters<typeof addCommand>[1]): Command {
  return addCommand(group, text, { server: false }).option(
    '--url <address>',
    'the fog whose mixnet it is (else FOG_MIX_URL, FOG_URL, your last log-in, the fog of this machine)',
  )
}

function addTunnel(group: Command, runner: Runner): void {
  addPeerCommand(group, {
    usage: 'tunnel',
    summary: 'Opens a way to the fog through the mixnet for other programs, until Ctrl-C',
    more: 'It prints an address of this machine; whatever is asked for there goes to the fog, and nobody on the line sees with whom. Programs that use the SDK are given it as their baseUrl. Other users of this machine are turned away.',
    examples: [
      ['fog mix tunnel', 'prints the address when the fog has answered through it'],
      ['fog mix tunnel --port 7071 --json', 'the same one each time'],
    ],
  })
    .addOption(wholeNumber('--port <port>', 'of the loopback; any free one unless said', { min: 1, max: 65_535 }))
    .addOption(wholeNumber('--seconds <s>', 'give up after so long without an answer', { min: 1, max: 86_400 }))
    .action((flags: PeerFlags & { readonly port?: number; readonly seconds?: number }) =>
      runner.run(flags.json ? { json: true } : {}, async (it) => {
        const port = flags.port === undefined ? [] : ['--port', String(flags.port)]
        const seconds = flags.seconds === undefined ? [] : ['--seconds', String(flags.seconds)]
        const environment = await peerEnvironment(it, await directoryUrl(it, flags.url))
        return runMixPeer(it, { args: ['tunnel', ...port, ...seconds], environment }, (line) =>
          it.showNext(line, () => String(line['url'])),
        )
      }),
    )
}
