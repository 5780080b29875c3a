/** Makes an element. Text children become text nodes, so no value is ever read as markup. */
export function createElement<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** Makes a link. `href` is not checked: see `remedy.ts`. */
export function createLink(href: string, className: string, ...children: (Node | string)[]): HTMLAnchorElement {
  const link = createElement("a", className, ...children);
  link.href = href;
  return link;
}

/** Makes a button that does something on this page. */
export function createButton(label: string, className: string, onClick: () => void): HTMLButtonElement {
  const button = createElement("button", className, label);
  button.type = "button";
  button.addEventListener("click", onClick);
  return button;
}

/** Returns an element of `index.html`. Throws when it is not there. */
export function requireElement(parent: ParentNode, selector: string): HTMLElement {
  const element = parent.querySelector<HTMLElement>(selector);
  if (!element) throw new Error(`index.html has no ${selector}`);
  return element;
}
