import { existsSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** Every setting of the command line, read once; `docs/cli.md` lists them. Nothing else touches the environment. */
export interface Config {
  /** The fog to talk to, unless a flag says another. */
  readonly url: string | undefined
  /** An API token for it. */
  readonly token: string | undefined
  /** Where the fog of this machine keeps its data. */
  readonly dataDir: string
  /** Where log-ins are kept. */
  readonly configDir: string
  readonly colour: 'auto' | 'never' | 'always'
  /** Whether a fault that nobody foresaw shows where it came from. */
  readonly debug: boolean
  /** The join token for `fog worker join`, so that it need not stand on the command line. */
  readonly joinToken: string | undefined
  /** Whether fogs are spoken to `direct`ly or through the `mixnet`, unless a flag or a log-in says. */
  readonly reach: string | undefined
  readonly workerDir: string | undefined
  readonly workerName: string | undefined
  /** The mix node's own folder. */
  readonly mixDir: string | undefined
  /** The control plane that keeps the mixnet's directory. */
  readonly mixUrl: string | undefined
  /** The folder of who sends and receives through the mixnet from here. */
  readonly mixPeerDir: string | undefined
  readonly consoleDir: string | undefined
  /** Where the control plane of `fog up` listens, unless it chooses. */
  readonly httpPort: string | undefined
  /** The address people use, when a proxy stands in front. */
  readonly publicUrl: string | undefined
  /** The whole environment, for programs this one starts. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

type Environment = Readonly<Record<string, string | undefined>>

export function readConfig(
  env: Environment = process.env,
  { cwd = process.cwd() }: { readonly cwd?: string } = {},
): Config {
  const set = (name: string) => env[name] || undefined
  const home = set('HOME') ?? set('USERPROFILE') ?? cwd
  return {
    url: set('FOG_URL'),
    token: set('FOG_TOKEN'),
    dataDir: resolve(cwd, set('FOG_DATA_DIR') ?? nearestDataDir(cwd) ?? '.fog'),
    configDir: join(set('XDG_CONFIG_HOME') ?? join(home, '.config'), 'fog'),
    colour: set('NO_COLOR') ? 'never' : set('FORCE_COLOR') ? 'always' : 'auto',
    debug: set('FOG_DEBUG') !== undefined,
    joinToken: set('FOG_JOIN_TOKEN'),
    reach: set('FOG_REACH'),
    workerDir: set('FOG_WORKER_DIR'),
    workerName: set('FOG_WORKER_NAME'),
    mixDir: set('FOG_MIX_DIR'),
    mixUrl: set('FOG_MIX_URL'),
    mixPeerDir: set('FOG_MIX_PEER_DIR'),
    consoleDir: set('FOG_CONSOLE_DIR'),
    httpPort: set('FOG_HTTP_PORT'),
    publicUrl: set('FOG_PUBLIC_URL'),
    environment: env,
  }
}

/** The `.fog` of this folder or of one above it, as git finds its own. One that somebody else put there is passed over. */
function nearestDataDir(from: string): string | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const found = join(folder, '.fog')
    if (existsSync(join(found, 'local.json')) && isOurs(found)) return found
    if (dirname(folder) === folder) return undefined
  }
}

function isOurs(path: string): boolean {
  return process.getuid === undefined || statSync(path).uid === process.getuid()
}
