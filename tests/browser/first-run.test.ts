import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectAccessible, expectNoSidewaysScroll, launch, live, logIn, shoot, visit } from './browser.ts'
import { type Platform, startPlatform } from './platform.ts'

const NAME = 'ada'
const PASSWORD = 'a calm morning fog'

let platform: Platform
let browser: Browser

beforeAll(async () => {
  ;[platform, browser] = await Promise.all([startPlatform(), launch()])
})
afterAll(async () => {
  await browser?.close()
  await platform?.stop()
})

describe('the first person', () => {
  test('is led to the set-up, chooses a name and a password, and is in', async () => {
    const { context, page, complaints } = await visit(browser, platform.url)
    await page.goto('/')
    await page.getByRole('heading', { name: 'Welcome to your fog' }).waitFor()
    expect(await page.getByLabel('Setup code').isVisible()).toBe(true)

    await page.goto(`/setup#code=${platform.setupCode}`)
    await page.reload()
    await page.getByRole('button', { name: 'Make the first admin' }).click()
    expect(await page.getByText('Choose a name.').isVisible()).toBe(true)
    await expectAccessible(page, 'set-up with what is wrong')
    await shoot(page, 'setup')

    await page.getByLabel('Name').fill(NAME)
    await page.getByLabel('Password').fill(PASSWORD)
    await page.getByRole('button', { name: 'Make the first admin' }).click()
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
    await page.getByRole('heading', { name: 'First steps' }).waitFor()
    await live(page)
    expect(page.url()).toBe(`${platform.url}/`)
    expect(complaints).toEqual([])
    await context.close()
  })

  test('is refused with a wrong code, in a sentence', async () => {
    const { context, page } = await visit(browser, platform.url)
    await page.goto('/setup#code=wrong')
    await page.getByRole('heading', { name: 'Already set up' }).waitFor()
    await context.close()
  })
})

describe('logging in', () => {
  test('by keyboard alone, from the address to a page of jobs and out again', async () => {
    const { context, page, complaints } = await visit(browser, platform.url)
    await page.goto('/')
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
    await page.keyboard.type(NAME)
    await page.keyboard.press('Tab')
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()

    await page.keyboard.press('Tab')
    await tabTo(page, 'Jobs')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Jobs' }).waitFor()
    await expect.poll(async () => page.evaluate(() => document.activeElement?.id)).toBe('page-heading')

    await tabTo(page, 'Menu of ada')
    await page.keyboard.press('Enter')
    await page.getByRole('menuitem', { name: 'Log out' }).waitFor()
    await page.keyboard.press('End')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
    expect(complaints).toEqual([])
    await context.close()
  })

  test('the skip link leads past the navigation', async () => {
    const { context, page } = await visit(browser, platform.url)
    await logIn(page, NAME, PASSWORD)
    await page.reload()
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the page')
    await page.keyboard.press('Enter')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('page')
    await context.close()
  })

  test('with a wrong password is refused in a sentence, and nothing is told about the name', async () => {
    const { context, page } = await visit(browser, platform.url)
    await page.goto('/login')
    await page.getByLabel('Name').fill('nobody')
    await page.getByLabel('Password').fill('not the password')
    await page.getByRole('button', { name: 'Log in' }).click()
    const refusal = await page.getByRole('alert').textContent()
    await page.getByLabel('Name').fill(NAME)
    await page.getByRole('button', { name: 'Log in' }).click()
    await expect.poll(async () => page.getByRole('alert').textContent()).toBe(refusal)
    await expectAccessible(page, 'a refused log-in')
    await shoot(page, 'log-in-refused')
    await context.close()
  })

  test('leads back to where one was going, and lasts over a reload and into a second tab', async () => {
    const { context, page } = await visit(browser, platform.url)
    await page.goto('/jobs?status=failed')
    await page.getByLabel('Name').fill(NAME)
    await page.getByLabel('Password').fill(PASSWORD)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('heading', { level: 1, name: 'Jobs' }).waitFor()
    expect(new URL(page.url()).search).toBe('?status=failed')

    const second = await context.newPage()
    await Promise.all([page.reload(), second.goto('/nodes')])
    await page.getByRole('heading', { level: 1, name: 'Jobs' }).waitFor()
    await second.getByRole('heading', { level: 1, name: 'Nodes' }).waitFor()

    // Leaving in one tab leaves in all of them.
    await second.getByRole('button', { name: /Menu of ada/ }).click()
    await second.getByRole('menuitem', { name: 'Log out' }).click()
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
    await context.close()
  })

  test('keeps nothing a script could steal', async () => {
    const { context, page } = await visit(browser, platform.url)
    await logIn(page, NAME, PASSWORD)
    const kept = await page.evaluate(() =>
      JSON.stringify([Object.keys(localStorage), Object.keys(sessionStorage), document.cookie]),
    )
    expect(JSON.parse(kept)).toEqual([[], [], ''])
    const [cookie] = await context.cookies(`${platform.url}/v1/sessions/refresh`)
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' })
    await context.close()
  })

  test('does not lead to another site', async () => {
    const { context, page } = await visit(browser, platform.url)
    await page.goto('/login?next=//evil.example/')
    await page.getByLabel('Name').fill(NAME)
    await page.getByLabel('Password').fill(PASSWORD)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
    expect(page.url()).toBe(`${platform.url}/`)
    await context.close()
  })

  test('fits a phone', async () => {
    const { context, page } = await visit(browser, platform.url, { phone: true, theme: 'dark' })
    await page.goto('/login')
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
    await expectNoSidewaysScroll(page, 'log-in')
    await expectAccessible(page, 'log-in in the dark')
    await shoot(page, 'log-in-phone-dark')
    await context.close()
  })
})

/** Presses Tab until the element of this name has the focus; fails when a whole round does not find it. */
async function tabTo(page: import('playwright-core').Page, name: string): Promise<void> {
  for (let presses = 0; presses < 60; presses++) {
    const focused = await page.evaluate(() => {
      const element = document.activeElement
      if (element?.matches('body, main')) return ''
      return element?.getAttribute('aria-label') ?? element?.textContent ?? ''
    })
    if (focused.includes(name)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`the keyboard does not reach ${name}`)
}
