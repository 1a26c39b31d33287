import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../ports.ts'
import { MadeUp } from './made-up.ts'
import type { OpenDatabase } from './open-database.ts'

export function describeGatewayStore(open: OpenDatabase): void {
  describe('as a store of gateways', () => {
    let database: Database
    let close: () => Promise<void>
    let some: MadeUp

    beforeEach(async () => {
      some = new MadeUp()
      ;({ database, close } = await open())
    })
    afterEach(() => close())

    test('those not heard of for long are silent, until they beat again or are removed', async () => {
      const [a, b, c] = [some.id('gateway'), some.id('gateway'), some.id('gateway')]
      const gateways = database.read.gateways
      await gateways.beat(a, 10)
      await gateways.beat(b, 20)
      await gateways.beat(c, 30)
      expect(await gateways.listSilent(30)).toEqual([a, b])
      await gateways.beat(a, 40)
      expect(await gateways.listSilent(30)).toEqual([b])
      await gateways.remove(b)
      await gateways.remove(b)
      expect(await gateways.listSilent(30)).toEqual([])
      expect(await gateways.listSilent(41)).toEqual([c, a])
    })
  })
}
