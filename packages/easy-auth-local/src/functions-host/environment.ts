/** Puts settings into the environment, over those that are there. Returns a function that restores the environment. */
export function applySettings(settings: Readonly<Record<string, string>>): () => void {
  const before = Object.keys(settings).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, settings);
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}
