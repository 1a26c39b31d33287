import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Client } from '@fog/contract'
import { expectAccessible, expectNoSidewaysScroll, launch, logIn, shoot, visit } from './browser.ts'
import { ADA, addDevices, makeAdmin } from './people.ts'
import { type Platform, startPlatform } from './platform.ts'

const SPIN = readFileSync(new URL('../../packages/idle/fixtures/spin.wasm', import.meta.url))

let platform: Platform
let browser: Browser
let ada: Client

beforeAll(async () => {
  ;[platform, browser] = await Promise.all([startPlatform(), launch()])
  ada = await makeAdmin(platform)
})
afterAll(async () => {
  await browser?.close()
  await platform?.stop()
})

test('before anything was planned the page says how tasks are placed', async () => {
  const { context, page, complaints } = await visit(browser, platform.url, { theme: 'light' })
  await logIn(page, ADA.name, ADA.password)
  await page.getByRole('link', { name: 'Placement' }).click()
  await page.getByText('Nothing was planned yet').waitFor()
  await expectAccessible(page, 'no plan')
  expect(complaints).toEqual([])
  await context.close()
})

test.each([
  ['desktop', 'light', false],
  ['phone', 'dark', true],
] as const)('the front is drawn with the plan in force and why, on a %s', async (device, theme, phone) => {
  await keepBusy()
  const { context, page, complaints } = await visit(browser, platform.url, { theme, phone })
  await logIn(page, ADA.name, ADA.password)
  await page.goto(`${platform.url}/plan`)
  await page.getByRole('img', { name: /plans? by/ }).waitFor()
  const table = page.getByRole('table', { name: 'Plans on the front' })
  const [rows, dots] = [await table.getByRole('row').count(), await page.locator('svg[role=img] circle').count()]
  expect(dots).toBe(rows - 1)
  expect(await table.getByText('in force').count()).toBe(1)
  await page.getByRole('heading', { name: 'Why this one' }).waitFor()
  await expectAccessible(page, `plan on a ${device}`)
  await expectNoSidewaysScroll(page, `plan on a ${device}`)
  await shoot(page, `plan-${device}`)
  expect(complaints).toEqual([])
  await context.close()
})

let isBusy = false

/** Two devices with a few long tasks, which could as well run side by side on one of them: until that was planned. */
async function keepBusy(): Promise<void> {
  if (isBusy) return
  isBusy = true
  // One is quick and draws much, one is slow and cheap: a trade.
  await addDevices(platform, ada, ['attic', 'cellar'], {
    attic: 'speed=2,power.idle-w=80,power.core-w=40,price.core-hour=4',
    cellar: 'speed=1,power.idle-w=5,power.core-w=4,price.core-hour=1',
  })
  const digest = createHash('sha256').update(SPIN).digest('hex')
  await ada.raw('putBlob', { params: { digest } }, new Blob([SPIN]))
  const tasks = Array.from({ length: 3 }, (_, i) => ({ item: String(i) }))
  const program = { kind: 'wasm', digest } as const
  const resources = { wallSeconds: 3600 }
  await ada.call('submitJob', { body: { name: 'busy', program, tasks, resources, verify: 'none', retries: 0 } })
  await expect
    .poll(async () => (await ada.call('listFronts', {})).fronts.length, { timeout: 60_000 })
    .toBeGreaterThan(0)
}
