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
      expect(await gateways.beat(a, 10)).toBe(false)
      await gateways.beat(b, 20)
      await gateways.beat(c, 30)
      expect(await gateways.listSilent(30)).toEqual([a, b])
      expect(await gateways.beat(a, 40)).toBe(true)
      expect(await gateways.listSilent(30)).toEqual([b])
      await gateways.remove(b)
      await gateways.remove(b)
      expect(await gateways.listSilent(30)).toEqual([])
      expect(await gateways.listSilent(41)).toEqual([c, a])
      expect(await gateways.beat(b, 50)).toBe(false)
    })
  })
}
