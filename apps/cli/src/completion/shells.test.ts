import { spawnSync } from 'node:child_process'
import { systemClock } from '@fog/kernel/node'
import { expect, test } from 'vitest'
import { Runner } from '../command.ts'
import { readConfig } from '../config.ts'
import { buildProgram } from '../fog-command.ts'
import { processTerminal } from '../terminal.ts'
import { placesOf } from './command-tree.ts'
import { completionScript, SHELLS } from './shells.ts'

const world = { terminal: processTerminal(), clock: systemClock, config: readConfig({}, { cwd: '/' }) }
const places = placesOf(buildProgram(new Runner(world, [])))

/** What bash offers for a command line whose last word is being typed. */
function offered(...words: string[]): string[] {
  const typed = ['fog', ...words]
  const program = `${completionScript('bash', places)}
COMP_WORDS=(${typed.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${typed.length - 1}
_fog
printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout, stderr, status } = spawnSync('bash', ['--noprofile', '--norc', '-c', program], { encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
  return stdout.split('\n').filter((line) => line !== '')
}

test('every command and subcommand is a place of its own', () => {
  const paths = places.map(({ path }) => path)
  expect(paths).toEqual(expect.arrayContaining(['', 'up', 'run', 'token create', 'ledger audit', 'worker join']))
})

test('bash offers commands, then their own subcommands and options', () => {
  expect(offered('re')).toEqual(['receipt', 'restore'])
  expect(offered('token', '')).toEqual(expect.arrayContaining(['create', 'join', 'list', 'revoke']))
  expect(offered('token', 'create', '--sc')).toEqual(['--scopes'])
  expect(offered('ps', '--')).toEqual(expect.arrayContaining(['--all', '--status', '--json', '--help']))
})

test('bash offers the choices of an option, and nothing of ours where a file is wanted', () => {
  expect(offered('run', 'a.wasm', '--tier', 'g')).toEqual(['gold'])
  expect(offered('run', 'a.wasm', '--in', '')).toEqual([])
  expect(offered('nodes', 'cellar', 'dr')).toEqual(['drain'])
})

test('bash leaves the arguments of a program alone', () => {
  expect(offered('run', 'a.wasm', '--', '--ti')).toEqual([])
})

test.each(SHELLS)('the script for %s names every command and option', (shell) => {
  const script = completionScript(shell, places)
  const names = places.flatMap(({ commands, options }) => [
    ...commands.map(({ name }) => name),
    ...options.flatMap(({ flags }) => flags.map((flag) => flag.replace(/^--?/, ''))),
  ])
  expect(names.filter((name) => !script.includes(name))).toEqual([])
})
