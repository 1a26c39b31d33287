import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { seededRng } from '@fog/kernel'
import { nameOf, readCorpus, writeCorpus } from '../tests/fuzz/corpus.ts'
import { fuzz } from './fuzz/fuzzer.ts'
import { countBranches } from './fuzz/instrument.ts'

/**
 * `npm run fuzz` searches all targets for a while, `npm run fuzz -- fragment --seconds 60` one of them. What reaches new
 * branches is kept in the target's corpus, which every run of the tests replays; what breaks the code is kept in .cache/fuzz.
 */
const ROOT = join(import.meta.dirname, '..')
const MOST_FINDINGS = 3

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '20' },
    bytes: { type: 'string', default: '4096' },
    seed: { type: 'string', default: '1' },
  },
})
// Loaded only now, so that the sources are counted.
const counts = countBranches(/\/packages\/\w+\/src\/(?!.*\.test\.ts$)/)
const { targets } = await import('../tests/fuzz/targets.ts')
const names = positionals.length > 0 ? positionals : Object.keys(targets)
let found = 0
for (const name of names) found += search(name)
process.exitCode = found === 0 ? 0 : 1

function search(name: string): number {
  const target = targets[name]
  if (!target) throw new Error(`There is no target ${name}. There are: ${Object.keys(targets).join(', ')}.`)
  const folder = join(ROOT, target.corpus)
  const startedAt = performance.now()
  const elapsedMs = () => performance.now() - startedAt
  const options = {
    forMs: 1000 * Number(values.seconds),
    mostBytes: Number(values.bytes),
    mostFindings: MOST_FINDINGS,
  }
  const rng = seededRng(Number(values.seed))
  const report = fuzz(target, [...readCorpus(folder).values()], { rng, counts, elapsedMs }, options)
  const rate = Math.round(report.runs / (elapsedMs() / 1000))
  console.log(
    `${name.padEnd(20)} ${report.runs} runs (${rate}/s), ${report.branches} branches, ` +
      `${report.corpus.length} inputs kept, ${report.findings.length} findings`,
  )
  if (report.findings.length === 0) writeCorpus(folder, report.corpus)
  for (const { input, fault } of report.findings) console.error(keptAt(name, input), fault)
  return report.findings.length
}

function keptAt(name: string, input: Uint8Array): string {
  const folder = join(ROOT, '.cache/fuzz', name)
  mkdirSync(folder, { recursive: true })
  const file = join(folder, nameOf(input))
  writeFileSync(file, input)
  return file
}
