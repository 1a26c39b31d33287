import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  expectAccessible,
  expectNoSidewaysScroll,
  launch,
  live,
  logIn,
  shoot,
  type Theme,
  THEMES,
  visit,
} from './browser.ts'
import { ADA, addDevices, makeAdmin } from './people.ts'
import { type Platform, startPlatform } from './platform.ts'

let platform: Platform
let browser: Browser

const PAGES = [
  ['/', 'Overview'],
  ['/jobs', 'Jobs'],
  ['/jobs/new', 'Submit a job'],
  ['/nodes', 'Nodes'],
  ['/account', 'Account'],
  ['/account?tab=tokens', 'Account'],
  ['/account?tab=log-ins', 'Account'],
  ['/account?tab=password', 'Account'],
  ['/admin', 'Admin'],
  ['/admin?tab=audit', 'Admin'],
  ['/admin?tab=ledger', 'Admin'],
  ['/nowhere', 'There is no such page'],
] as const

beforeAll(async () => {
  ;[platform, browser] = await Promise.all([startPlatform(), launch()])
  await addDevices(platform, await makeAdmin(platform), ['attic'])
})
afterAll(async () => {
  await browser?.close()
  await platform?.stop()
})

describe.each(THEMES)('every page, %s', (theme: Theme) => {
  test.each([
    ['desktop', false],
    ['phone', true],
  ] as const)('on a %s is accessible and fits', async (device, phone) => {
    const { context, page, complaints } = await visit(browser, platform.url, { theme, phone })
    await logIn(page, ADA.name, ADA.password)
    for (const [path, heading] of PAGES) {
      await page.goto(path)
      await page.getByRole('heading', { level: 1, name: heading }).waitFor()
      await page.waitForFunction(() => document.querySelector('[role="status"][aria-label^="Loading"]') === null)
      const where = `${path} on a ${device}, ${theme}`
      await expectNoSidewaysScroll(page, where)
      await expectAccessible(page, where)
      await shoot(page, `page${path.replace(/[^a-z]+/g, '-')}-${device}-${theme}`)
    }
    expect(complaints).toEqual([])
    await context.close()
  })
})

describe('the theme', () => {
  test('follows the device until one is chosen, which is then kept', async () => {
    const { context, page } = await visit(browser, platform.url, { theme: 'dark' })
    await logIn(page, ADA.name, ADA.password)
    const shown = async () => page.evaluate(() => document.documentElement.dataset['theme'])
    expect(await shown()).toBe('dark')
    await page.emulateMedia({ colorScheme: 'light' })
    await expect.poll(shown).toBe('light')
    await page.getByRole('button', { name: /Menu of ada/ }).click()
    await expectAccessible(page, 'the open menu', 'menu')
    await page.getByRole('menuitem', { name: 'Dark' }).click()
    await expect.poll(shown).toBe('dark')
    await page.reload()
    expect(await shown()).toBe('dark')
    await context.close()
  })
})

describe('when the control plane goes away', () => {
  test('the page says so, keeps what it shows, and is live again by itself', async () => {
    const { context, page } = await visit(browser, platform.url)
    await logIn(page, ADA.name, ADA.password)
    await page.goto('/nodes')
    await page.getByRole('link', { name: 'attic' }).waitFor()
    await live(page)
    await platform.restart(async () => {
      await page.getByText('Reconnecting').locator('visible=true').waitFor()
      expect(await page.getByRole('link', { name: 'attic' }).isVisible()).toBe(true)
      await shoot(page, 'reconnecting')
    })
    await live(page)
    await page.getByRole('link', { name: 'attic' }).waitFor()
    await context.close()
  })

  test('a tab that is opened meanwhile says that nobody answers, and gets in afterwards', async () => {
    const { context, page } = await visit(browser, platform.url)
    await logIn(page, ADA.name, ADA.password)
    await page.route('**/v1/**', async (route) => route.abort())
    await page.reload()
    await page.getByRole('heading', { name: 'Lost in the fog' }).waitFor()
    await expectAccessible(page, 'the page without a server')
    await shoot(page, 'unreachable')
    await page.unroute('**/v1/**')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
    await context.close()
  })

  test('a part that cannot be read says why, with a way to try again', async () => {
    const { context, page } = await visit(browser, platform.url)
    await logIn(page, ADA.name, ADA.password)
    await page.route('**/v1/nodes**', async (route) => route.abort())
    await page.goto('/nodes')
    await page.getByRole('alert').getByText('does not answer').waitFor()
    await expectAccessible(page, 'a page that could not be read')
    await shoot(page, 'nodes-unreadable')
    await page.unroute('**/v1/nodes**')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('link', { name: 'attic' }).waitFor()
    await context.close()
  })

  test('a job or node that is not there says so', async () => {
    const { context, page } = await visit(browser, platform.url)
    await logIn(page, ADA.name, ADA.password)
    await page.goto('/jobs/job_00000000000000000000000000')
    await page.getByRole('alert').waitFor()
    await page.goto('/nodes/node_00000000000000000000000000')
    await page.getByRole('alert').waitFor()
    await expectAccessible(page, 'a node that is not there')
    await context.close()
  })
})
