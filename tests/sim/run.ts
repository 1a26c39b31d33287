import { parseArgs } from 'node:util'
import { World, WORLD_DEFAULTS } from './world.ts'

/** `npm run sim -- --seed 7 --jobs 5000`: prints what happened, or the rule that broke and the seed that shows it. */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Date.now() / 1000) % 1_000_000) },
    jobs: { type: 'string', default: String(WORLD_DEFAULTS.jobs) },
    nodes: { type: 'string', default: String(WORLD_DEFAULTS.nodes) },
  },
})
const options = { ...WORLD_DEFAULTS, seed: Number(values.seed), jobs: Number(values.jobs), nodes: Number(values.nodes) }
console.log(`simulating ${options.jobs} jobs on ${options.nodes} devices with seed ${options.seed}`)
const startedAt = performance.now()
const figures = await new World(options).run()
for (const [name, figure] of Object.entries(figures)) console.log(`${name.padEnd(12)} ${figure}`)
console.log(`no invariant broken; took ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
