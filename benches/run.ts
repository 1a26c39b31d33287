import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Figure } from './figure.ts'
import { type Machine, measureMachine } from './yardstick.ts'

/** Takes half an hour. */
const ONLY_BY_NAME: ReadonlySet<string> = new Set(['soak'])

const BENCHES: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  betanet: async () => (await import('./betanet.ts')).betanet(),
  soak: async () => (await import('./betanet/soak.ts')).soak({ perSecond: 17_500, minutes: 30 }),
  tunnel: async () => (await import('./tunnel.ts')).tunnel(),
  queue: async () => (await import('./queue.ts')).queue(),
  live: async () => (await import('./live.ts')).live(),
  placement: async () => (await import('./placement.ts')).placement(),
  nsga2: async () => (await import('./nsga2.ts')).nsga2Bench(),
  'main-job': async () => (await import('./main-job.ts')).mainJob(),
}

/** `npm run bench` runs all but those that are asked for by name only, `npm run bench main-job` one; results go to benches/results as JSON too. */
const { positionals } = parseArgs({ allowPositionals: true })
const names = positionals.length > 0 ? positionals : Object.keys(BENCHES).filter((name) => !ONLY_BY_NAME.has(name))
const unknown = names.filter((name) => !(name in BENCHES))
if (unknown.length > 0) {
  console.error(`There is no bench ${unknown.join(', ')}. There are: ${Object.keys(BENCHES).join(', ')}.`)
  process.exit(2)
}
const machine = measureMachine()
console.log(`${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${machine.node}`)
console.log(`yardstick: ${machine.x25519PerSecond} X25519 multiplications/s on one core\n`)
for (const name of names) {
  console.log(name)
  const figures = await BENCHES[name]!()
  for (const figure of figures) console.log(lineOf(figure))
  await keep(name, machine, figures)
}

function lineOf({ name, value, unit, bar, method }: Figure): string {
  const shown = value >= 100 ? value.toFixed(0) : value.toPrecision(3)
  return `  ${name.padEnd(46)} ${shown.padStart(9)} ${unit.padEnd(9)} ${verdict(value, bar).padEnd(22)} ${method}`
}

function verdict(value: number, bar: Figure['bar']): string {
  if (!bar) return ''
  const [holds, text] =
    'atMost' in bar ? [value <= bar.atMost, `at most ${bar.atMost}`] : [value >= bar.atLeast, `at least ${bar.atLeast}`]
  return `${holds ? 'reached' : 'MISSED'}: ${text}`
}

async function keep(name: string, machine: Machine, figures: readonly Figure[]): Promise<void> {
  const folder = join(import.meta.dirname, 'results')
  await mkdir(folder, { recursive: true })
  const at = new Date().toISOString()
  await writeFile(
    join(folder, `${name}-${at.replaceAll(':', '')}.json`),
    JSON.stringify({ name, at, machine, figures }, undefined, 2),
  )
}
