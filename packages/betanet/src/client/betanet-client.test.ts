import { toHex, utf8 } from '@fog/kernel'
import { expect, test } from 'vitest'
import { SimNetwork } from '../testing/sim-network.ts'

const never = new AbortController().signal

test('a message arrives whole and from whom it says, and is acknowledged', async () => {
  const network = new SimNetwork({ parameters: { clientSendMeanMs: 20, clientLoopMeanMs: 100 } })
  const [ann, bob] = [network.addClient(), network.addClient()]
  const sent = await network.settled(ann.client.send(bob.key, utf8('hello'), never))
  expect(sent.status).toBe('fulfilled')
  expect(bob.received.map(({ from }) => from)).toEqual([toHex(ann.key)])
  expect(bob.texts).toEqual(['hello'])
  const big = new Uint8Array(100_000).map((_, i) => i)
  const t = network.agenda.now
  await network.settled(ann.client.send(bob.key, big, never))
  console.log(network.agenda.now - t, ann.client.report(), bob.client.report().counts)
  expect(bob.received[1]!.message).toEqual(big)
})
