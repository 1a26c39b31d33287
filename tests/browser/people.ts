import type { Client } from '@fog/contract'
import type { Platform } from './platform.ts'

/** The first admin of a test's fog, made without a browser. */
export const ADA = { name: 'ada', password: 'a calm morning fog' } as const

/** Makes the first admin; answers a client that is logged in as them. */
export async function makeAdmin(platform: Platform): Promise<Client> {
  const body = { code: platform.setupCode, ...ADA, keep: 'body' } as const
  const { accessToken } = await platform.client().call('setup', { body })
  return platform.client(accessToken)
}

/** Starts devices that belong to the client's account, and waits until they take work. */
export async function addDevices(
  platform: Platform,
  client: Client,
  names: readonly string[],
  labels: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { secret } = await client.call('addJoinToken', { body: { name: 'devices', uses: names.length, hours: 1 } })
  await Promise.all(
    names.map(async (name) => platform.startWorker({ name, joinToken: secret, labels: labels[name] ?? '' })),
  )
  const deadline = Date.now() + 60_000
  for (;;) {
    const { items } = await client.call('listNodes', {})
    if (items.filter(({ capacity }) => capacity.cores >= 1).length >= names.length) return
    if (Date.now() > deadline) throw new Error(`devices did not come: ${JSON.stringify(items)}`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
