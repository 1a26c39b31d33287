import { parseArgs } from 'node:util'

/**
 * `npm run sim -- --seed 7 --jobs 5000`: made-up jobs through the whole platform on devices that fail. `npm run sim -- --trace`:
 * the jobs of a real machine through the scheduler. Prints what happened, or the rule that broke and the seed that shows it.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Date.now() / 1000) % 1_000_000) },
    jobs: { type: 'string' },
    nodes: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
})
const seed = Number(values.seed)
const jobs = values.jobs === undefined ? undefined : Number(values.jobs)
const startedAt = performance.now()
const figures = values.trace ? await replay() : await world()
for (const [name, figure] of Object.entries(figures)) console.log(`${name.padEnd(20)} ${figure}`)
console.log(`no invariant broken; took ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)

async function world() {
  const { World, WORLD_DEFAULTS } = await import('./world.ts')
  const nodes = values.nodes === undefined ? WORLD_DEFAULTS.nodes : Number(values.nodes)
  const options = { ...WORLD_DEFAULTS, seed, nodes, jobs: jobs ?? WORLD_DEFAULTS.jobs }
  console.log(`simulating ${options.jobs} jobs on ${nodes} devices with seed ${seed}`)
  return new World(options).run()
}

async function replay() {
  const { Replay, REPLAY_DEFAULTS } = await import('./replay.ts')
  const { readKthSp2 } = await import('../../benches/queue/kth-sp2.ts')
  const trace = readKthSp2()
  const taken = { ...trace, jobs: trace.jobs.slice(0, jobs) }
  console.log(`replaying ${taken.jobs.length} jobs of ${trace.name} on ${trace.processors} nodes with seed ${seed}`)
  return new Replay(taken, { ...REPLAY_DEFAULTS, seed }).run()
}
