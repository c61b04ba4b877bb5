// Makes and changes parts of the page. What comes from the document becomes text,
// never markup: names are whatever somebody asked for.

export const $ = (id) => document.getElementById(id);

// el makes an element with a class and children: nodes or texts.
export function el(tag, name, ...children) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  node.append(...children);
  return node;
}

// put sets a text where it is another: a selection stays, and nothing is said twice.
export function put(node, text) {
  const s = String(text ?? "");
  if (node.textContent !== s) node.textContent = s;
}

// long sets a text, names as a rule, that may be broken after a dot: but no address.
export function long(node, text) {
  if (node.textContent === text) return;
  node.replaceChildren(...text.split(/(?<=\.)(?=[^\d.])|(?<=[,/=])/).flatMap((part) => [part, el("wbr")]));
}

// name sets the classes of a node.
export function name(node, classes) {
  if (node.className !== classes) node.className = classes;
}

// figure shows a number: its exact value and the metric that it equals stand beside.
export function figure(node, value, text, metric) {
  let data = node.firstElementChild;
  if (!data) node.append((data = el("data")));
  data.value = value;
  if (metric) data.dataset.metric = metric;
  put(data, text);
}

// keep brings the children of parent in line with items: each has the node of its key,
// so that what is focused or selected stays, and what did not change is not touched. Of
// items with the same key, as of long names that are cut, all but one are made anew.
export function keep(parent, items, keyOf, make, fill) {
  const old = new Map();
  for (const node of [...parent.children]) {
    if (old.has(node.dataset.key)) node.remove();
    else old.set(node.dataset.key, node);
  }
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let node = old.get(key);
    if (!node) {
      node = make(item);
      node.dataset.key = key;
    }
    old.delete(key);
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
    fill(node, item);
  }
  for (const node of old.values()) node.remove();
}

// texts shows one text after the other as children of parent.
export function texts(parent, list, tag = "li") {
  const items = list.map((text, i) => [String(i), text]);
  keep(parent, items, (i) => i[0], () => el(tag), (node, i) => put(node, i[1]));
}
