/** Light and dark; below 60rem the arrows give way to indents. */
export const STYLE = `
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif;
    --line: light-dark(#d1d5db, #424751); --quiet: light-dark(#4b5563, #b6bcc6); --card: light-dark(#fff, #1f2228);
    --failed: light-dark(#b91c1c, #fca5a5); --ok: light-dark(#166534, #86efac); --arrow: light-dark(#2563eb, #7db0ff); }
  * { box-sizing: border-box; }
  body { margin: 0 auto; max-width: 90rem; padding: 1rem; background: light-dark(#f3f4f6, #14161a); }
  h1 { font-size: 1.25rem; margin: .75rem 0 0; }
  p { margin: .25rem 0; }
  .banner { font-size: .875rem; padding: .5rem .75rem; border-radius: .5rem; margin: 0;
    background: light-dark(#fef3c7, #45371a); color: light-dark(#713f12, #fde9b8); }
  button { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
    padding: .25rem 1rem; min-height: 2.5rem; cursor: pointer; }
  :focus-visible { outline: 3px solid var(--arrow); outline-offset: 2px; }
  ol { list-style: none; margin: 0; padding: 0; }
  main { margin-top: 1rem; }
  main > ol > li { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; margin-bottom: .5rem; }
  summary { cursor: pointer; }
  form { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: end; margin: .5rem 0; }
  label { font-size: .875rem; color: var(--quiet); }
  select { display: block; font: inherit; padding: .25rem .5rem; min-height: 2.5rem; border-radius: .5rem;
    color: light-dark(#111827, #e5e7eb); background: var(--card); border: 1px solid light-dark(#8a92a0, #6b7280); }
  a { color: light-dark(#1d4ed8, #93b9ff); }
  .action > ol { margin: 0 0 .5rem .75rem; border-left: 3px solid var(--line); }
  .action > ol > li + li { border-top: 1px solid var(--line); }
  .trace > summary, .action > summary { padding: .5rem .75rem; display: grid; gap: 0 1rem; align-items: baseline;
    grid-template-columns: minmax(0, 3fr) minmax(0, 2fr) minmax(0, 1.5fr) 5rem 4.5rem; }
  .trace > summary::before, .action > summary::before { content: none; }
  .what, code, pre, .id { font-family: ui-monospace, monospace; font-size: .875rem; overflow-wrap: anywhere; }
  .what { font-weight: 600; }
  .account, time, small, .id, .lanes, dt { color: var(--quiet); }
  .account { overflow-wrap: anywhere; }
  .outcome { font-weight: 600; overflow-wrap: anywhere; }
  .outcome.ok { color: var(--ok); }
  .outcome.failed, .failure { color: var(--failed); }
  .trace > .id { padding: 0 .75rem; margin: 0 0 .5rem; }
  .lanes, .arrow { width: 42rem; flex: none; display: grid; grid-template-columns: repeat(7, 1fr); }
  .lanes { font-size: .8125rem; text-align: center; margin-left: .75rem; padding-bottom: .25rem; }
  .hops { border-top: 1px solid var(--line); }
  .hop { display: flex; gap: 1rem; padding: 0 .75rem; }
  .hop + .hop .said { border-top: 1px solid var(--line); }
  .said { flex: 1; min-width: 0; padding: .5rem 0; overflow-wrap: anywhere; }
  .arrow { position: relative; background: repeating-linear-gradient(to right, transparent 0 calc(3rem - .5px),
    var(--line) calc(3rem - .5px) calc(3rem + .5px), transparent calc(3rem + .5px) 6rem); }
  .arrow span { position: absolute; top: 1.1rem; height: 0; border-top: 2px solid var(--arrow);
    left: calc((var(--from) + .5) * 6rem); width: calc((var(--to) - var(--from)) * 6rem); }
  .arrow span::after { content: ""; position: absolute; right: 0; top: -6px; border: 5px solid transparent;
    border-left: 8px solid var(--arrow); border-right: 0; }
  .failed .arrow span { border-top: 2px dashed var(--failed); }
  .failed .arrow span::after { content: "✗"; border: 0; color: var(--failed); font-weight: 700; top: -.85rem; right: -.35rem; }
  .running .arrow span { border-top-style: dotted; }
  dl { margin: .25rem 0; font-size: .875rem; }
  dl > div { display: flex; flex-wrap: wrap; gap: 0 .5rem; }
  dd { margin: 0; }
  .said details { font-size: .875rem; }
  .said summary { padding: .125rem 0; }
  pre { margin: .25rem 0; padding: .5rem; border-radius: .25rem; background: light-dark(#f3f4f6, #14161a);
    white-space: pre-wrap; }
  @media (max-width: 72rem) {
    .lanes, .arrow { display: none; }
    .hop { padding-left: calc(.75rem + min(var(--depth) * .75rem, 12vw)); }
    .said { border-left: 3px solid var(--line); padding-left: .75rem; }
    .failed .said { border-left-style: dashed; border-left-color: var(--failed); }
  }
  @media (max-width: 48rem) {
    .trace > summary, .action > summary { grid-template-columns: minmax(0, 1fr) auto; }
    .trace > summary > :first-child, .action > summary > :first-child { grid-column: 1 / -1; }
  }
  @media (forced-colors: active) { .arrow span::after { forced-color-adjust: none; } }
`;
