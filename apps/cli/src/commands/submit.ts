import type { Command } from 'commander'
import type { JobView, ReceiptView } from '@fog/contract'
import type { Fog, PreparedJob } from '@fog/sdk'
import { prepareJob, prepareJobFile } from '@fog/sdk/node'
import { addCommand, type Runner, usageFault } from '../command.ts'
import { addTaskOptions, documentOf, type EachFlags, eachOf, type TaskFlags } from '../documents/task-flags.ts'
import { EXIT } from '../exit-code.ts'
import { exitCodeOfJob, fetchShowing, submitShowing, waitShowing } from '../follow-job.ts'
import type { CommonFlags, Invocation } from '../invocation.ts'
import { failuresOf } from '../job-lists.ts'
import { hideIfSecret } from '../secret-jobs.ts'
import { quoteText, receiptText, whyText } from '../show/job-texts.ts'
import { count, plainText, shortId } from '../show/words.ts'

interface SubmitFlags extends CommonFlags {
  readonly wait?: boolean
  readonly out?: string
}

export function addSubmit(program: Command, runner: Runner): void {
  addCommand(program, {
    usage: 'submit <document>',
    summary: 'Submits the job a document describes',
    more: 'The document is YAML or JSON; its paths are relative to it. docs/job-document.md shows every field.',
    examples: [
      ['fog submit job.yaml', 'and go on'],
      ['fog submit job.yaml --wait --out results', 'wait for it, then fetch what it made'],
      ['fog submit job.yaml --json | jq -r .jobId', 'for a script'],
    ],
  })
    .option('--wait', 'wait until the job is over; fail if it fails')
    .option('--out <folder>', 'wait, and put the results there')
    .action((file: string, flags: SubmitFlags) =>
      runner.run(flags, async (it) => {
        const prepared = await prepareJobFile(file)
        return submitAndMaybeWait(it, prepared, { wait: flags.wait ?? false, out: flags.out })
      }),
    )
}

interface MapFlags extends SubmitFlags, TaskFlags, EachFlags {}

export function addMap(program: Command, runner: Runner): void {
  addTaskOptions(
    addCommand(program, {
      usage: 'map <program> [args...]',
      summary: 'Runs one program over many inputs, a task each, and waits for all',
      more: '{item} in the arguments stands for the number, the value, or the path of the file. Without arguments it is the only one.',
      examples: [
        ["fog map mandel.wasm --each 'tiles/*.json' --out tiles -- {item} /out/tile.ppm", 'a task a file'],
        ['fog map prime.wasm --range 0:100 -- {item}', 'a task a number, 0 to 99'],
        ['fog map greet.wasm --values Ada,Grace -- {item}', 'a task a value'],
        ["fog map crunch.wasm --each 'in/*' --no-wait --tier bronze", 'submit, and come back later'],
      ],
    }),
  )
    .option('--each <glob>', 'a task for each file that matches; in quotes')
    .option('--range <from:to>', 'a task for each number, the last not counted in')
    .option('--values <a,b,c>', 'a task for each value')
    .option('--out <folder>', 'where to put the results')
    .option('--no-wait', 'only submit')
    .action((file: string, args: string[], flags: MapFlags) =>
      runner.run(flags, async (it) => {
        const each = eachOf(flags)
        refuseOpenGlob(runner, args)
        const document = documentOf({ program: file, args: args.length > 0 ? args : ['{item}'], each }, flags)
        const prepared = await prepareJob(document, { baseDir: process.cwd(), file: 'the command line' })
        return submitAndMaybeWait(it, prepared, { wait: flags.wait ?? true, out: flags.out })
      }),
    )
}

/** A pattern without quotes is filled in by the shell, and all files but the first would be taken for arguments. */
function refuseOpenGlob({ args: given }: Runner, args: readonly string[]): void {
  const at = given.indexOf('--')
  const after = at === -1 ? 0 : given.length - at - 1
  if (args.length === after) return
  throw usageFault(`"${args[0]}" stands before --. Put a pattern in quotes, and the program's arguments after --.`)
}

async function submitAndMaybeWait(
  it: Invocation,
  prepared: PreparedJob,
  { wait, out }: { readonly wait: boolean; readonly out: string | undefined },
): Promise<number> {
  await hideIfSecret(it, prepared)
  const fog = await it.fog()
  const job = await submitShowing(it, fog, prepared)
  if (!wait && out === undefined) {
    await it.show(job, () => submittedText(job))
    return EXIT.ok
  }
  if (!it.json) await it.note(`Submitted ${plainText(job.name)} as ${job.jobId}, ${count(job.tasks, 'task')}.`)
  const over = await waitShowing(it, fog, job)
  const files = out === undefined ? undefined : await fetchShowing(it, fog, over, out)
  const receipt = await fog.receipt(job.jobId)
  await it.show({ job: over, receipt, ...(files !== undefined && { files, folder: out }) }, () =>
    receiptText(receipt, it.colours),
  )
  await sayHowItWent(it, fog, over, receipt)
  return exitCodeOfJob(over)
}

function submittedText({ jobId, name, tasks, priceCap }: JobView): string {
  const short = shortId(jobId)
  return [
    `Submitted ${plainText(name)} as ${jobId}: ${count(tasks, 'task')}, at most ${priceCap} tokens.`,
    `See it with \`fog ps ${short}\`, fetch its results with \`fog get ${short}\`.`,
  ].join('\n')
}

async function sayHowItWent(it: Invocation, fog: Fog, job: JobView, { failed }: ReceiptView): Promise<void> {
  if (job.status === 'succeeded' || it.json) return
  await it.note(`\nfog: The job ${plainText(job.name)} ${job.status === 'cancelled' ? 'was cancelled' : 'failed'}.`)
  if (failed > 0) await it.note(whyText(await failuresOf(fog, job), it.sideColours()))
}

export function addQuote(program: Command, runner: Runner): void {
  addCommand(program, {
    usage: 'quote <document>',
    summary: 'Says what a job would cost at most, and whether the fog would take it',
    more: 'Ends with 3 when it would be refused.',
    examples: [
      ['fog quote job.yaml', 'before submitting'],
      ['fog quote job.yaml --json | jq -r .priceCap', 'only the price'],
    ],
  }).action((file: string, flags: CommonFlags) =>
    runner.run(flags, async (it) => {
      const prepared = await prepareJobFile(file)
      await hideIfSecret(it, prepared)
      const quote = await (await it.fog()).quote(prepared)
      await it.show(quote, () => quoteText(quote, it.colours))
      return quote.refusals.length === 0 ? EXIT.ok : EXIT.refused
    }),
  )
}
