// The look of the emulator's pages. One sheet, inlined under its hash, system fonts, colours for light and dark that pass
// WCAG AA; it must never ask for a file.
export const css = `
:root { color-scheme: light dark; --ink: #1c1e26; --quiet: #575c6b; --paper: #f4f5f8; --card: #fff; --line: #d4d7e0; --accent: #3446c4; --on-accent: #fff; --alarm: #a3202c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaf1; --quiet: #a4a9b9; --paper: #14161c; --card: #1d2029; --line: #373c4a; --accent: #93a2ff; --on-accent: #10132b; --alarm: #ff9aa2; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: flex; flex-direction: column; align-items: center; justify-content: center; gap: 1rem; padding: 1.25rem; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 29rem; padding: 1.75rem; background: var(--card); border: 1px solid var(--line); border-radius: 0.75rem; }
h1 { margin: 0 0 0.75rem; font-size: 1.375rem; line-height: 1.25; text-wrap: balance; }
h2 { margin: 1.25rem 0 0.25rem; font-size: 1rem; }
p { margin: 0 0 1rem; }
fieldset { margin: 0; padding: 0; border: 1px solid var(--line); border-radius: 0.5rem; overflow: hidden; }
legend { margin-left: 0.75rem; padding: 0 0.25rem; font-size: 0.875rem; color: var(--quiet); }
.account { display: flex; align-items: center; gap: 0.75rem; padding: 0.5rem 1rem; cursor: pointer; }
.account + .account { border-top: 1px solid var(--line); }
.account input { width: 1.125rem; height: 1.125rem; margin: 0; accent-color: var(--accent); }
small { display: block; color: var(--quiet); font-size: 0.875rem; }
ul { margin: 0; padding-left: 1.25rem; }
code, dd, .code { font-family: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace; font-size: 0.875rem; overflow-wrap: anywhere; }
li code { font-size: 0.8125rem; }
dl { margin: 1.25rem 0 0; display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0.25rem 1rem; font-size: 0.875rem; color: var(--quiet); }
dt { white-space: nowrap; }
dd { margin: 0; font-size: 0.8125rem; line-height: 1.6; }
.code { padding: 0.875rem 1rem; border: 1px solid var(--line); border-radius: 0.5rem; background: var(--paper); font-size: 1rem; user-select: all; }
.short { font-size: 1.5rem; letter-spacing: 0.1em; text-align: center; }
.field { display: block; font-size: 0.875rem; color: var(--quiet); }
.field input, .field select { display: block; width: 100%; margin-top: 0.25rem; padding: 0.625rem 0.75rem; border: 1px solid var(--quiet); border-radius: 0.5rem; background: var(--card); color: var(--ink); font: inherit; font-size: 1rem; }
.field input { font-family: ui-monospace, monospace; letter-spacing: 0.1em; text-transform: uppercase; }
.buttons { display: flex; flex-wrap: wrap; gap: 0.75rem; margin-top: 1.5rem; }
button { flex: 1 1 8rem; min-height: 2.75rem; padding: 0.5rem 1rem; border: 1px solid var(--quiet); border-radius: 0.5rem; background: transparent; color: var(--ink); font: inherit; font-weight: 600; cursor: pointer; }
.primary { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.problem { padding: 0.625rem 0.875rem; border-left: 3px solid var(--alarm); color: var(--alarm); background: var(--paper); }
footer { max-width: 29rem; color: var(--quiet); font-size: 0.8125rem; text-align: center; text-wrap: balance; }
main > p:last-child { margin-bottom: 0; }
`;
