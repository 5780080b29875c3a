/** Returns the commands in a page's blocks for a shell, each in one line without its comment. */
export function commandsIn(text: string): readonly string[] {
  const blocks = [...text.matchAll(/^```(?:sh|powershell)\n(.*?)^```/gms)].map(([, block = ""]) => block);
  return blocks.flatMap(linesOf).filter((line) => line !== "" && !line.startsWith("#"));
}

function linesOf(block: string): readonly string[] {
  // A line that ends within quotes goes on in the next.
  const lines: string[] = [];
  for (const line of block.replaceAll(/\\\n/g, " ").split("\n")) {
    const last = lines.at(-1);
    const isOpen = last !== undefined && (last.split("'").length - 1) % 2 === 1;
    if (isOpen) lines[lines.length - 1] = `${last} ${line.trim()}`;
    else lines.push(line.trim());
  }
  return lines.map((line) => line.replace(/\s+# .*$/, ""));
}
