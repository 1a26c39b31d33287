import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { CliError } from '../cli-error.ts'
import { addCommand, type CommandText, type Runner } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import type { Invocation } from '../invocation.ts'
import { PROGRAMS } from '../up/child.ts'

export function addBackup(program: Command, runner: Runner): void {
  addOne(program, runner, 'backup', {
    usage: 'backup <file>',
    summary: 'Writes everything the fog of this machine knows into one file',
    more: 'Works while the fog runs. It takes FOG_DATA_DIR, or DATABASE_URL.',
    examples: [['fog backup fog-2026-01-01.tar', 'database, content and keys; keep it as secret as they are']],
  })
}

export function addRestore(program: Command, runner: Runner): void {
  addOne(program, runner, 'restore', {
    usage: 'restore <file>',
    summary: 'Makes a fog from a backup, in a data folder that has none yet',
    examples: [['FOG_DATA_DIR=new fog restore fog-2026-01-01.tar', 'then: FOG_DATA_DIR=new fog up']],
  })
}

function addOne(program: Command, runner: Runner, act: 'backup' | 'restore', text: CommandText): void {
  addCommand(program, text, { server: false }).action((file: string, flags: { readonly json?: boolean }) =>
    runner.run(flags, async (it) => {
      const path = resolve(file)
      if (act === 'backup' && existsSync(path)) throw new CliError({ code: 'cli.file_exists', file })
      const code = await runControlPlane(it, [act, path])
      if (code === EXIT.ok && it.json) await it.show({ [act]: path }, () => '')
      return code
    }),
  )
}

/** The control plane's own program does it: it alone knows its data. What it says is for people, so it goes to stderr with --json. */
async function runControlPlane(it: Invocation, args: readonly string[]): Promise<number> {
  const environment = { ...it.config.environment, FOG_DATA_DIR: it.config.dataDir } as NodeJS.ProcessEnv
  const child = spawn(process.execPath, [PROGRAMS.controlPlane, ...args], {
    env: environment,
    stdio: ['ignore', it.json ? 2 : 'inherit', 'inherit'],
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return code ?? EXIT.failed
}
