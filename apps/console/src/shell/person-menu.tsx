import { LogOut, Monitor, Moon, Sun } from 'lucide-react'
import type { MeView } from '@fog/contract'
import { ActionsMenu } from '../parts/menu.tsx'
import { chooseTheme, type ThemeChoice, useTheme } from '../parts/theme.ts'
import { useSession } from '../session/session-context.tsx'
import { PersonFace } from './person-face.tsx'

const THEMES: readonly { readonly choice: ThemeChoice; readonly text: string; readonly icon: typeof Sun }[] = [
  { choice: 'light', text: 'Light', icon: Sun },
  { choice: 'dark', text: 'Dark', icon: Moon },
  { choice: 'system', text: 'As the device', icon: Monitor },
]

/** Who is logged in, how the console looks, and the way out. */
export function PersonMenu({ me, small = false }: { me: MeView | undefined; small?: boolean }) {
  const session = useSession()
  const { choice } = useTheme()
  return (
    <ActionsMenu
      label={small ? `Menu of ${me?.name ?? 'your log-in'}` : undefined}
      triggerClass={
        small
          ? 'rounded-full'
          : '-mx-1.5 flex w-[calc(100%+0.75rem)] items-center gap-2.5 rounded-lg p-1.5 text-left hover:bg-sunken'
      }
      trigger={<PersonFace me={me} small={small} />}
      actions={[
        ...THEMES.map(({ choice: theme, text, icon: Icon }) => ({
          text,
          icon: <Icon size={16} aria-hidden="true" className="text-faint" />,
          onSelect: () => chooseTheme(theme),
          checked: choice === theme,
        })),
        {
          text: 'Log out',
          icon: <LogOut size={16} aria-hidden="true" />,
          onSelect: () => void session.logOut(),
          danger: true,
        },
      ]}
    />
  )
}
