import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { followDevice } from './parts/theme.ts'
import { Session } from './session/session.ts'

followDevice()
const session = new Session()
void session.start()
createRoot(document.getElementById('root')!).render(<App session={session} />)
