import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runTask } from '@fog/idle'
import type { Fog } from '@fog/sdk'
import { fetchResults, prepareJobFile } from '@fog/sdk/node'
import { FogProcesses, joinToken, nodesOnline } from '../support/fog-processes.ts'

/** The examples as their READMEs say: submitted to a real fog, fetched, and made into what a person looks at. */
const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples')

let processes: FogProcesses
let fog: Fog

beforeAll(async () => {
  processes = await FogProcesses.open()
  const controlPlane = await processes.controlPlane()
  fog = await processes.admin(controlPlane)
  const token = await joinToken(fog)
  for (const name of ['a', 'b']) processes.worker(controlPlane.url, name, { FOG_JOIN_TOKEN: token })
  await nodesOnline(fog, 2)
})
afterAll(() => processes.close())

/** The folder with the results of an example's job. */
async function resultsOf(example: string): Promise<string> {
  const { jobId } = await fog.submit(await prepareJobFile(join(EXAMPLES, example, 'job.yaml')))
  expect(await fog.wait(jobId)).toMatchObject({ status: 'succeeded', counts: { failed: 0 } })
  const folder = join(processes.dir, example)
  await fetchResults(fog, jobId, folder)
  return folder
}

function run(...args: string[]): string {
  return execFileSync(process.execPath, args, { encoding: 'utf8' })
}

test('the Mandelbrot picture comes out of the fog as the program draws it here', async () => {
  const folder = await resultsOf('mandelbrot')
  const here = join(EXAMPLES, 'mandelbrot')
  const tiles = readdirSync(folder)
  expect(tiles).toHaveLength(16)
  for (const name of ['r0-c0', 'r2-c1']) {
    const { outputs, stdout } = runTask({
      module: readFileSync(join(here, 'build/mandel.wasm')),
      fuelLimit: 10n ** 12n,
      args: [`/in/${name}.json`, '/out/tile.ppm'],
      files: [
        [`/in/${name}.json`, readFileSync(join(here, 'tiles', `${name}.json`))],
        ['/in/palette.txt', readFileSync(join(here, 'palette.txt'))],
      ],
    })
    const tile = tiles.find((each) => each.includes(name)) ?? ''
    expect(readFileSync(join(folder, tile, 'tile.ppm')).equals(outputs.get('tile.ppm')!)).toBe(true)
    expect(readFileSync(join(folder, tile, 'stdout.txt')).equals(stdout)).toBe(true)
  }

  const picture = join(processes.dir, 'mandelbrot.png')
  run(join(here, 'stitch.mjs'), folder, picture)
  const png = readFileSync(picture)
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1024, 1024])
})

test('the wait of a supercomputer’s users comes out of the fog as the README states it', async () => {
  const folder = await resultsOf('queue-waits')
  expect(readdirSync(folder)).toHaveLength(12)
  const answer = run(join(EXAMPLES, 'queue-waits', 'reduce.mjs'), folder)
  expect(readFileSync(join(EXAMPLES, 'queue-waits', 'README.md'), 'utf8')).toContain(answer.trim())
})
