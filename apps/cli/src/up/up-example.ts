import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { JobView, ReceiptView } from '@fog/contract'
import type { Fog } from '@fog/sdk'
import { fetchResults, prepareJobFile } from '@fog/sdk/node'
import { CliError } from '../cli-error.ts'
import { submitShowing, waitShowing } from '../follow-job.ts'
import type { Invocation } from '../invocation.ts'
import { failuresOf } from '../job-lists.ts'

const EXAMPLE = fileURLToPath(new URL('../../../../examples/mandelbrot/', import.meta.url))

export interface ExampleRun {
  readonly job: JobView
  readonly receipt: ReceiptView
  /** The stitched picture. */
  readonly picture: string
}

/** Runs the example through the fog as anybody would, and makes a picture of its results. Throws `up.example_failed`. */
export async function runExample(it: Invocation, fog: Fog, dataDir: string): Promise<ExampleRun> {
  const submitted = await submitShowing(it, fog, await prepareJobFile(join(EXAMPLE, 'job.yaml')))
  const job = await waitShowing(it, fog, submitted)
  if (job.status !== 'succeeded') {
    const { reasons } = await failuresOf(fog, job)
    throw new CliError({ code: 'up.example_failed', why: reasons[0]?.text ?? `the job ${job.status}.` })
  }
  const folder = join(dataDir, 'examples', 'mandelbrot')
  await rm(folder, { recursive: true, force: true })
  await fetchResults(fog, job.jobId, join(folder, 'tiles'))
  const picture = join(folder, 'mandelbrot.png')
  await stitch(join(folder, 'tiles'), picture)
  return { job, receipt: await fog.receipt(job.jobId), picture }
}

async function stitch(tiles: string, picture: string): Promise<void> {
  const child = spawn(process.execPath, [join(EXAMPLE, 'stitch.mjs'), tiles, picture], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (part: Buffer) => (said += part.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0)
    throw new CliError({ code: 'up.example_failed', why: `its picture could not be stitched: ${said.trim()}` })
}
