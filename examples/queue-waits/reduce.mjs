import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * node reduce.mjs RESULTS: adds up every waits.csv below RESULTS, one folder a task, and prints how long a job waited:
 * mean, median, 90th and 99th percentile (nearest rank) and longest, by the processors it asked for. `--json` for programs.
 */
const SIZES = ['1', '2-8', '9-32', '33+']

const [results, flag] = process.argv.slice(2)
if (!results) throw new Error('usage: node reduce.mjs RESULTS [--json]')

const files = readdirSync(results)
  .map((folder) => join(results, folder, 'waits.csv'))
  .filter((file) => existsSync(file))
if (files.length === 0) throw new Error(`There is no */waits.csv in ${results}.`)
const counts = files.flatMap((file) => readCounts(file))
const rows = SIZES.map((size) => ({ size, ...figures(counts.filter((count) => count.size === size)) }))
const answer = { logs: files.length, rows: [...rows, { size: 'all', ...figures(counts) }] }
console.log(flag === '--json' ? JSON.stringify(answer) : table(answer))

function readCounts(file) {
  const [header, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n')
  if (header !== 'size,wait_s,jobs') throw new Error(`${file} is not an answer of waits.`)
  return lines.map((line) => {
    const [size, wait, jobs] = line.split(',')
    return { size, wait: Number(wait), jobs: Number(jobs) }
  })
}

function figures(someCounts) {
  const rising = someCounts.toSorted((a, b) => a.wait - b.wait)
  const jobs = rising.reduce((sum, count) => sum + count.jobs, 0)
  const total = rising.reduce((sum, count) => sum + count.wait * count.jobs, 0)
  return {
    jobs,
    mean: Math.round(total / jobs),
    p50: waitAt(rising, Math.ceil(0.5 * jobs)),
    p90: waitAt(rising, Math.ceil(0.9 * jobs)),
    p99: waitAt(rising, Math.ceil(0.99 * jobs)),
    longest: rising.at(-1)?.wait ?? 0,
  }
}

/** The wait of the job that stands at `rank`, from 1, when all are lined up by their wait. */
function waitAt(rising, rank) {
  let seen = 0
  for (const { wait, jobs } of rising) {
    seen += jobs
    if (seen >= rank) return wait
  }
  return 0
}

function table({ logs, rows }) {
  const head = ['processors', 'jobs', 'mean', 'half within', '9 in 10 within', '99 in 100 within', 'longest']
  const cells = rows.map((row) => [
    row.size,
    String(row.jobs),
    ...[row.mean, row.p50, row.p90, row.p99, row.longest].map(duration),
  ])
  const widths = head.map((_, i) => Math.max(...[head, ...cells].map((line) => line[i].length)))
  const lines = [head, ...cells].map((line) => line.map((cell, i) => cell.padStart(widths[i])).join('  '))
  return `Wait before a job started, from ${logs} logs\n\n${lines.join('\n')}`
}

function duration(seconds) {
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
}
