// Finds texts that do not stand out from their background by WCAG 2's level AA, and
// charts whose marks do not.
(() => {
  const faults = [];

  function color(text) {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return { channels: [r, g, b], alpha: a };
  }

  function luminance(channels) {
    const [r, g, b] = channels.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  function contrast(a, b) {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  }

  // behind returns what is painted behind an element's text; a pattern is a fault.
  const backgrounds = new Map();
  function behind(element) {
    if (!backgrounds.has(element)) backgrounds.set(element, look(element));
    return backgrounds.get(element);
  }

  function look(element) {
    for (let e = element; e; e = e.parentElement) {
      const style = getComputedStyle(e);
      if (style.backgroundImage !== "none") faults.push(`a pattern is behind ${element.textContent}`);
      if (style.opacity !== "1") faults.push(`${element.textContent} is seen through`);
      const { channels, alpha } = color(style.backgroundColor);
      if (alpha === 1) return channels;
    }
    return [255, 255, 255];
  }

  function check(node) {
    const element = node.parentElement;
    const style = getComputedStyle(element);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ratio = contrast(color(style.color).channels, behind(element));
    if (ratio < (large ? 3 : 4.5)) faults.push(`${node.data.trim()}: ${ratio.toFixed(2)}`);
  }

  let texts = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!node.data.trim() || !node.parentElement.getClientRects().length) continue;
    texts++;
    check(node);
  }

  // The marks at the left of a chart: the darkest or brightest of their pixels.
  const charts = [...document.querySelectorAll("canvas")].filter((c) => c.clientWidth);
  for (const canvas of charts) {
    const copy = new OffscreenCanvas(50 * devicePixelRatio, canvas.height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, copy.canvas.width, copy.canvas.height);
    const background = behind(canvas.parentElement);
    let best = 1;
    for (let i = 0; i < data.length; i += 4) {
      const alpha = data[i + 3] / 255;
      const mixed = [0, 1, 2].map((c) => data[i + c] * alpha + background[c] * (1 - alpha));
      best = Math.max(best, contrast(mixed, background));
    }
    if (best < 4.5) faults.push(`the marks of a chart: ${best.toFixed(2)}`);
  }
  return { texts, charts: charts.length, faults };
})();
