import { join } from 'node:path'
import { runInForeground } from './run.mjs'
import { ROOT, ensureConsoleBuilt, ensureInstalled, fogEnv, fogNode, giveUp } from './setup.mjs'

/** `npm start [-- --no-example] [options of fog up]`: sets up what is missing, then hands over to `fog up`. */
async function start() {
  await ensureInstalled()
  await ensureConsoleBuilt()
  const fog = join(ROOT, 'apps', 'cli', 'bin', 'fog.mjs')
  const args = [fog, 'up', ...upArguments(process.argv.slice(2))]
  return runInForeground(args, { node: fogNode(), cwd: ROOT, env: fogEnv() })
}

function upArguments(args) {
  const rest = args.filter((arg) => arg !== '--example' && arg !== '--no-example')
  return args.includes('--no-example') ? rest : ['--example', ...rest]
}

process.exitCode = await start().catch(giveUp)
