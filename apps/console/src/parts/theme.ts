import { useSyncExternalStore } from 'react'

/** Light, dark, or as the device says. Kept in this browser; `public/theme.js` applies it before the first paint. */
export type ThemeChoice = 'system' | 'light' | 'dark'

const KEY = 'fog.theme'
const listeners = new Set<() => void>()

export function themeChoice(): ThemeChoice {
  const kept = localStorage.getItem(KEY)
  return kept === 'light' || kept === 'dark' ? kept : 'system'
}

export function chooseTheme(choice: ThemeChoice): void {
  if (choice === 'system') localStorage.removeItem(KEY)
  else localStorage.setItem(KEY, choice)
  applyTheme()
}

/** Follows the device from now on, where it is left to it. Returns how to stop. */
export function followDevice(): () => void {
  const device = matchMedia('(prefers-color-scheme: dark)')
  device.addEventListener('change', applyTheme)
  applyTheme()
  return () => device.removeEventListener('change', applyTheme)
}

function applyTheme(): void {
  const choice = themeChoice()
  const dark = choice === 'dark' || (choice === 'system' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset['theme'] = dark ? 'dark' : 'light'
  document.querySelector('meta[name="theme-color"]')?.setAttribute('content', dark ? '#0c1216' : '#f2f5f6')
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** What was chosen, and what it comes to. */
export function useTheme(): { readonly choice: ThemeChoice; readonly shown: 'light' | 'dark' } {
  const shown = useSyncExternalStore(subscribe, () => document.documentElement.dataset['theme'])
  const choice = useSyncExternalStore(subscribe, themeChoice)
  return { choice, shown: shown === 'dark' ? 'dark' : 'light' }
}
