import type { Command } from 'commander'
import { addCommand, type Runner, wholeNumber } from '../command.ts'
import { fogUp } from '../up/fog-up.ts'

interface UpFlags {
  readonly json?: boolean
  readonly example?: boolean
  readonly worker: boolean
  readonly workers: number
}

export function addUp(program: Command, runner: Runner): void {
  addCommand(
    program,
    {
      usage: 'up',
      summary: 'Runs a whole fog on this machine: control plane, console and a worker, until Ctrl-C',
      more: 'Its data lie in FOG_DATA_DIR (.fog here or above), so the next start finds them again. FOG_HTTP_PORT (7070) says where it listens; docs/settings.md has the rest. What dies is started again.',
      examples: [
        ['fog up', 'and follow the link it prints'],
        ['fog up --example', 'and see a first job run to its end'],
        ['fog up --no-worker', 'only the control plane; devices join from elsewhere'],
        ['FOG_DATA_DIR=/tmp/two FOG_HTTP_PORT=7071 fog up', 'a second one beside the first'],
      ],
    },
    { server: false },
  )
    .option('--example', 'run the example job and show its picture and receipt')
    .option('--no-example', 'do not (the default)')
    .option('--no-worker', 'start no worker here')
    .addOption(wholeNumber('--workers <n>', 'how many workers share this machine', { min: 0, max: 64 }).default(1))
    .action(({ json, example = false, worker, workers }: UpFlags) =>
      runner.run(json ? { json } : {}, (it) => fogUp(it, { example, workers: worker ? workers : 0 })),
    )
}
