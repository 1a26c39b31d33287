import type { Command } from 'commander'
import { systemClock } from '@fog/kernel/node'
import { expect, test } from 'vitest'
import { Runner } from '../command.ts'
import { readConfig } from '../config.ts'
import { buildProgram, runFog } from '../fog-command.ts'
import type { World } from '../invocation.ts'
import type { TerminalOutput } from '../terminal.ts'

const ignore = () => () => undefined

/** A terminal whose output is kept as text, and a fog that is not there. */
function world(): World & { readonly said: { stdout: string; stderr: string } } {
  const said = { stdout: '', stderr: '' }
  const output = (name: 'stdout' | 'stderr'): TerminalOutput => ({
    write: async (text) => void (said[name] += String(text)),
    isTerminal: false,
    columns: 100,
    rows: 30,
  })
  const stdin = { isTerminal: false, onKey: () => () => undefined, async *[Symbol.asyncIterator]() {} }
  const terminal = {
    stdout: output('stdout'),
    stderr: output('stderr'),
    stdin,
    onInterrupt: ignore,
    onOrphaned: ignore,
    leave: () => undefined,
  }
  return { terminal, clock: systemClock, config: readConfig({ HOME: '/nowhere' }, { cwd: '/' }), said }
}

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves)
}

const all = leaves(buildProgram(new Runner(world(), [])))

test('there are all the commands', () => {
  expect(all.length).toBeGreaterThan(30)
})

test.each(all.map((command) => [command.name(), command] as const))(
  '%s shows examples and takes --json',
  (_, command) => {
    let help = ''
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp()
    expect(help).toMatch(/\nExamples:\n {2}\S/)
    expect(help).toContain('--json')
    expect(command.summary()).toMatch(/^[A-Z].*[^.]$/)
  },
)

async function run(...args: string[]) {
  const place = world()
  const code = await runFog(args, place)
  return { code, ...place.said }
}

test('no command shows the help, and so does a wrong one beside what is wrong', async () => {
  expect(await run()).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage: fog') })
  expect(await run('frobnicate')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("fog: unknown command 'frobnicate'"),
  })
  expect(await run('run')).toMatchObject({
    code: 125,
    stderr: expect.stringContaining("missing required argument 'program'"),
  })
  expect(await run('ps', '--limit', 'many')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('a whole number'),
  })
  expect(await run('--version')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
})

test('without a fog each command says so in a sentence, and with --json as a document on stdout', async () => {
  const { code, stdout, stderr } = await run('ps')
  expect([code, stdout, stderr]).toEqual([
    4,
    '',
    'fog: There is no fog to talk to. Start one here with `fog up`, or log in to one with `fog login URL`.\n',
  ])
  const asJson = await run('ps', '--json')
  expect(JSON.parse(asJson.stdout)).toMatchObject({ error: { code: 'cli.no_server' } })
})

test('a fog that does not answer is told from one that refuses', async () => {
  expect(await run('ps', '--url', 'http://127.0.0.1:1', '--token', 'x')).toMatchObject({ code: 4 })
  expect(await run('ps', '--url', 'nonsense', '--token', 'x')).toMatchObject({ code: 2 })
})

test('a pattern that the shell filled in is noticed', async () => {
  const { code, stderr } = await run('map', 'a.wasm', '--each', 'in/a', 'in/b', '--', '{item}')
  expect([code, stderr]).toEqual([2, expect.stringContaining('Put a pattern in quotes')])
})
