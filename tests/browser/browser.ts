import { mkdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { AxeResults } from 'axe-core'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { expect } from 'vitest'
import { ROOT } from './platform.ts'

/** A real Chromium, and what every page is held to: no errors, nothing inaccessible, nothing wider than the screen. */

export type Theme = 'light' | 'dark'
export const THEMES: readonly Theme[] = ['light', 'dark']
export const DESKTOP = { width: 1360, height: 900 }
export const PHONE = { width: 360, height: 740 }

const SCREENSHOTS = join(ROOT, 'tests', 'browser', 'screenshots')
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

export async function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['FOG_CHROMIUM'] ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-background-networking',
      '--disable-quic',
      '--no-first-run',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

export interface Visit {
  readonly context: BrowserContext
  readonly page: Page
  /** Everything the page complained about: errors, refused content, failed requests that nobody answered. */
  readonly complaints: string[]
}

/** A new person at a new browser. */
export async function visit(
  browser: Browser,
  baseURL: string,
  options: { theme?: Theme; phone?: boolean } = {},
): Promise<Visit> {
  const context = await browser.newContext({
    baseURL,
    viewport: options.phone ? PHONE : DESKTOP,
    colorScheme: options.theme ?? 'light',
    reducedMotion: 'reduce',
    hasTouch: options.phone ?? false,
  })
  context.setDefaultTimeout(30_000)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    // A refusal that the page shows in words is also noted by the browser; that is no complaint.
    const expected = /Failed to load resource|WebSocket connection/.test(message.text())
    if (message.type() === 'error' && !expected) complaints.push(message.text())
  })
  return { context, page, complaints }
}

/** Fails with every rule that axe finds broken (WCAG 2.2 A and AA, and its best practices). */
export async function expectAccessible(page: Page, where: string, open?: 'menu'): Promise<void> {
  await page.evaluate(await readFile(AXE, 'utf8'))
  const results = await page.evaluate(async (isMenuOpen) => {
    const { axe } = globalThis as unknown as { axe: { run: (context: object, options: object) => Promise<AxeResults> } }
    // The guards that keep the focus inside of a popup hand it on at once; no screen reader ever rests on one.
    const context = { exclude: [['[data-base-ui-focus-guard]']] }
    // A menu hangs at the end of the page while it is open, outside of every landmark.
    return axe.run(context, { rules: { region: { enabled: !isMenuOpen } } })
  }, open === 'menu')
  const found = results.violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`).join('\n')}`,
  )
  expect(found, `accessibility of ${where}`).toEqual([])
}

/** Fails when the page can be scrolled sideways, and says what sticks out. */
export async function expectNoSidewaysScroll(page: Page, where: string): Promise<void> {
  const wider = await page.evaluate(() => {
    const width = document.documentElement.clientWidth
    if (document.documentElement.scrollWidth <= width) return []
    return [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > width + 1)
      .slice(0, 5)
      .map((element) => element.outerHTML.slice(0, 160))
  })
  expect(wider, `what is wider than the screen on ${where}`).toEqual([])
}

/** Keeps a picture for people to look at: the whole page, or what is on the screen where something lies above the page. */
export async function shoot(page: Page, name: string, part: 'page' | 'screen' = 'page'): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true })
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: part === 'page', animations: 'disabled' })
}

/** Logs in by the form. */
export async function logIn(page: Page, name: string, password: string): Promise<void> {
  await page.goto('/login')
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
}

/** Waits until the page is live: from then on everything that happens shows by itself. */
export async function live(page: Page): Promise<void> {
  await page.getByText('Live', { exact: true }).locator('visible=true').first().waitFor()
}
