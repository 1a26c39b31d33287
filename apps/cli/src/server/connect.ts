import type { Clock } from '@fog/kernel'
import { Fog } from '@fog/sdk'
import { CliError } from '../cli-error.ts'
import type { Config } from '../config.ts'
import { type ChosenServer, chooseServer } from './choose-server.ts'
import { CredentialsFile } from './credentials.ts'
import { readLocalFog } from './local-fog.ts'
import { SessionKeeper } from './session.ts'

export interface Connection {
  readonly fog: Fog
  readonly server: ChosenServer
}

export interface ServerFlags {
  readonly url?: string
  readonly token?: string
}

/** The fog that flags, settings and log-ins point to. Throws `cli.no_server` or `cli.not_logged_in`. */
export async function connect(
  { config, clock }: { readonly config: Config; readonly clock: Clock },
  flags: ServerFlags,
): Promise<Connection> {
  const file = new CredentialsFile({ configDir: config.configDir, clock })
  const [credentials, local] = await Promise.all([file.read(), readLocalFog(config.dataDir)])
  const server = chooseServer({ flags, environment: config, credentials, local })
  const { url: baseUrl, access } = server
  if (!access) throw new CliError({ code: 'cli.not_logged_in', url: baseUrl })
  if (access.kind === 'token') return { fog: new Fog({ baseUrl, clock, token: () => access.token }), server }
  const { login } = access
  if (login.kind === 'token') return { fog: new Fog({ baseUrl, clock, token: () => login.token }), server }
  const keeper = new SessionKeeper({ url: baseUrl, file, clock, session: login })
  const options = { baseUrl, clock, token: () => keeper.token(), onUnauthorized: () => keeper.refresh() }
  return { fog: new Fog(options), server }
}
