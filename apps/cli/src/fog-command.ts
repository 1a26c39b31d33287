import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { Runner } from './command.ts'
import { addBackup, addRestore } from './commands/backup.ts'
import { addCompletion } from './commands/completion.ts'
import { addCancel, addGet, addLogs, addPs, addReceipt, addWhy } from './commands/jobs.ts'
import { addLedger } from './commands/ledger.ts'
import { addLogin, addLogout, addWhoami } from './commands/login.ts'
import { addMix } from './commands/mix.ts'
import { addNodes } from './commands/nodes.ts'
import { addQuota } from './commands/quota.ts'
import { addSchedules } from './commands/schedules.ts'
import { addRun } from './commands/run.ts'
import { addMap, addQuote, addSubmit } from './commands/submit.ts'
import { addTiers } from './commands/tiers.ts'
import { addTokens } from './commands/tokens.ts'
import { addTop } from './commands/top.ts'
import { addUp } from './commands/up.ts'
import { addUsers } from './commands/users.ts'
import { addWorker } from './commands/worker.ts'
import { EXIT } from './exit-code.ts'
import type { World } from './invocation.ts'

const EXIT_CODES = `Exit codes: 0 well, 1 a job failed, 2 wrong usage, 3 refused by the fog, 4 the fog does not answer,
5 not logged in or not allowed, 130 Ctrl-C. \`fog run\` ends as its program does; see \`fog run --help\`.`

const EXAMPLES = `
Examples:
  fog up --example                            a whole fog here, with a first job
  fog run hello.wasm -- Ada                   a program, as if it ran here
  fog submit job.yaml --wait --out results    a job with many tasks
  fog top                                     what happens, live
  fog --mixnet submit secret.yaml --wait      a job that nobody on the line can tie to you

${EXIT_CODES}
`

/** Carries out one command line, without the program's name. Answers the exit code; never throws. */
export async function runFog(args: readonly string[], world: World): Promise<number> {
  const runner = new Runner(world, args)
  const program = buildProgram(runner)
  try {
    if (args.length === 0) {
      program.outputHelp()
      return EXIT.ok
    }
    await program.parseAsync([...args], { from: 'user' })
    return runner.exitCode
  } catch (fault) {
    // Help and version were asked for; anything else of commander's is a wrong command line, and it has said so.
    if (fault instanceof CommanderError) return fault.exitCode === 0 ? EXIT.ok : usageCode(args)
    throw fault
  }
}

/** `fog run` keeps the low codes for its program. */
function usageCode(args: readonly string[]): number {
  return args[0] === 'run' ? EXIT.runFailed : EXIT.usage
}

/** All commands, with their help. */
export function buildProgram(runner: Runner): Command {
  const { terminal } = runner.world
  const program = new Command('fog')
    .description('Lend idle devices, run batch jobs on them, pay in tokens.')
    .version(version(), '-V, --version', 'show the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'fog: ')),
      getOutHelpWidth: () => Math.min(110, terminal.stdout.columns),
    })
    .showHelpAfterError('(--help shows how)')
    .helpCommand('help [command]', 'show help for a command')
    .helpOption('-h, --help', 'show help')
    .option('--mixnet', 'speak to the fog through the mixnet alone (else FOG_REACH, or how you logged in)')
    .on('option:mixnet', () => void (runner.mixnet = true))
    .addHelpText('after', EXAMPLES)
  program.commandsGroup('Start:')
  addUp(program, runner)
  addLogin(program, runner)
  addLogout(program, runner)
  addWhoami(program, runner)
  program.commandsGroup('Jobs:')
  addRun(program, runner)
  addMap(program, runner)
  addSubmit(program, runner)
  addQuote(program, runner)
  addPs(program, runner)
  addLogs(program, runner)
  addGet(program, runner)
  addWhy(program, runner)
  addCancel(program, runner)
  addReceipt(program, runner)
  addSchedules(program, runner)
  program.commandsGroup('The fog:')
  addTop(program, runner)
  addTiers(program, runner)
  addNodes(program, runner)
  addWorker(program, runner)
  addMix(program, runner)
  addTokens(program, runner)
  addUsers(program, runner)
  addLedger(program, runner)
  addQuota(program, runner)
  addBackup(program, runner)
  addRestore(program, runner)
  program.commandsGroup('More:')
  addCompletion(program, runner)
  return program
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  return manifest.version
}
