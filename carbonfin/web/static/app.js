/* Small comforts; every page works without them. */
"use strict";
(() => {
  const typing = (element) => element && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));

  /* "/" goes to the search field, Escape leaves it. */
  document.addEventListener("keydown", (event) => {
    const search = document.getElementById("search");
    if (!search || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && !typing(document.activeElement)) {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "Escape" && document.activeElement === search) {
      search.blur();
    }
  });

  /* Arrow keys walk through the links of a table, row by row. */
  document.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const table = event.target.closest ? event.target.closest(".table-frame, table[data-arrows]") : null;
    if (!table || typing(event.target)) return;
    const links = Array.from(table.querySelectorAll("tbody tr"))
      .map((row) => row.querySelector("a, button"))
      .filter(Boolean);
    if (!links.length) return;
    const row = event.target.closest("tr");
    const at = links.findIndex((link) => row && row.contains(link));
    const next = at < 0 ? 0 : at + (event.key === "ArrowDown" ? 1 : -1);
    if (links[next]) {
      event.preventDefault();
      links[next].focus();
    }
  });

  /* A form that was sent says so, and is not sent twice. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method === "get") return;
    const button = event.submitter || form.querySelector("button");
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    if (button) button.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => {
      delete form.dataset.sent;
      form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
    });
  });

  /* Amounts echo in Chinese capitals (大写) while they are typed. */
  const DIGITS = "零壹贰叁肆伍陆柒捌玖";
  const group = (value) => {
    let text = "";
    let gap = false;
    [1000, 100, 10, 1].forEach((unit, index) => {
      const digit = Math.floor(value / unit) % 10;
      if (digit) {
        text += (gap ? "零" : "") + DIGITS[digit] + ["仟", "佰", "拾", ""][index];
        gap = false;
      } else if (text) {
        gap = true;
      }
    });
    return text;
  };
  const capitals = (amount) => {
    const match = /^(\d{1,12})(?:\.(\d{1,2}))?$/.exec(amount.trim());
    if (!match) return "";
    const whole = Number(match[1]);
    const fen = Number((match[2] || "").padEnd(2, "0"));
    let text = "";
    let gap = false;
    [[1e8, "亿"], [1e4, "万"], [1, ""]].forEach(([unit, name]) => {
      const part = Math.floor(whole / unit) % 10000;
      if (part) {
        text += (text && (gap || part < 1000) ? "零" : "") + group(part) + name;
        gap = false;
      } else if (text) {
        gap = true;
      }
    });
    const jiao = Math.floor(fen / 10);
    const last = fen % 10;
    const tail = (jiao ? DIGITS[jiao] + "角" : text && last ? "零" : "") + (last ? DIGITS[last] + "分" : "整");
    return "人民币" + (text ? text + "元" : fen ? "" : "零元") + tail;
  };
  document.addEventListener("input", (event) => {
    const target = event.target.dataset ? event.target.dataset.capitals : null;
    const echo = target ? document.getElementById(target) : null;
    if (echo) echo.textContent = capitals(event.target.value);
  });
})();
