import { join } from 'node:path'
import { runInForeground } from './run.mjs'
import { ROOT, ensureInstalled, fogEnv, fogNode, giveUp } from './setup.mjs'

/** `npm run fog -- command ...`: the command line, from the folder it was typed in, with the packages it needs. */
async function fog() {
  await ensureInstalled()
  const bin = join(ROOT, 'apps', 'cli', 'bin', 'fog.mjs')
  const cwd = process.env.INIT_CWD ?? process.cwd()
  return runInForeground([bin, ...process.argv.slice(2)], { node: fogNode(), cwd, env: fogEnv() })
}

process.exitCode = await fog().catch(giveUp)
