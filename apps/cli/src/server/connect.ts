import type { Clock } from '@fog/kernel'
import { Fog } from '@fog/sdk'
import { CliError } from '../cli-error.ts'
import type { Config } from '../config.ts'
import type { OpenTunnel } from '../mix/tunnel.ts'
import { type ChosenServer, chooseServer } from './choose-server.ts'
import { CredentialsFile } from './credentials.ts'
import { readLocalFog } from './local-fog.ts'
import { SessionKeeper } from './session.ts'

export interface Connection {
  readonly fog: Fog
  readonly server: ChosenServer
  /** Ends the way there, where there is one to end. */
  close(): Promise<void>
}

export interface ServerFlags {
  readonly url?: string
  readonly token?: string
}

export interface ConnectNeeds {
  readonly config: Config
  readonly clock: Clock
  readonly openTunnel: OpenTunnel
}

/**
 * The fog that flags, settings and log-ins point to. Through the mixnet nothing but the mixnet's own documents is asked for
 * directly, tokens neither. Throws `cli.no_server`, `cli.not_logged_in` or `cli.no_tunnel`.
 */
export async function connect(
  { config, clock, openTunnel }: ConnectNeeds,
  flags: ServerFlags & { readonly mixnet?: boolean },
): Promise<Connection> {
  const file = new CredentialsFile({ configDir: config.configDir, clock })
  const [credentials, local] = await Promise.all([file.read(), readLocalFog(config.dataDir)])
  const server = chooseServer({ flags, environment: config, credentials, local })
  const { url, access, reach } = server
  if (!access) throw new CliError({ code: 'cli.not_logged_in', url })
  const tunnel = reach === 'mixnet' ? await openTunnel(url) : undefined
  const baseUrl = tunnel?.url ?? url
  const close = async () => tunnel?.close()
  const common = { baseUrl, clock, reach }
  if (access.kind === 'token') return { fog: new Fog({ ...common, token: () => access.token }), server, close }
  const { login } = access
  if (login.kind === 'token') return { fog: new Fog({ ...common, token: () => login.token }), server, close }
  const keeper = new SessionKeeper({ url, askAt: baseUrl, file, clock, session: login })
  const session = { token: () => keeper.token(), onUnauthorized: () => keeper.refresh() }
  return { fog: new Fog({ ...common, ...session }), server, close }
}
