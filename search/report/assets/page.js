"use strict";
// Draws the charts in the colours of the page, again when light turns dark or a place changes size.
(function () {
  const options = JSON.parse(document.getElementById("charts").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const drawn = new Map();

  // A colour such as "--accent" is a variable of the style; a class may be called so, too.
  function coloured(value, style, name = "") {
    if (typeof value === "string") {
      const variable = /color$/i.test(name) && value.startsWith("--");
      return variable ? style.getPropertyValue(value).trim() : value;
    }
    if (Array.isArray(value)) return value.map((item) => coloured(item, style, name));
    if (value && typeof value === "object") {
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, coloured(item, style, key)])
      );
    }
    return value;
  }

  // What is pointed at, as it is: braces would begin markup of the chart's own.
  function pointedAt({ name }) {
    return name.replaceAll("{", "{\u200b");
  }

  function theme(style) {
    const [ink, soft, line, panel] = ["--ink", "--soft", "--line", "--panel"].map((name) =>
      style.getPropertyValue(name).trim()
    );
    const axis = {
      axisLine: { lineStyle: { color: soft } },
      axisTick: { lineStyle: { color: soft } },
      axisLabel: { color: soft },
      nameTextStyle: { color: soft },
      splitLine: { lineStyle: { color: line } },
      minorSplitLine: { lineStyle: { color: line } },
    };
    return {
      textStyle: { color: ink, fontFamily: "system-ui, sans-serif" },
      legend: { textStyle: { color: ink }, pageTextStyle: { color: soft } },
      tooltip: { backgroundColor: panel, borderColor: line, textStyle: { color: ink } },
      valueAxis: axis,
      logAxis: axis,
      categoryAxis: { ...axis, splitLine: { show: false } },
    };
  }

  function draw(place) {
    const style = getComputedStyle(document.documentElement);
    const before = drawn.get(place);
    if (before) before.dispose();
    const chart = echarts.init(place, theme(style));
    const option = coloured(options[place.dataset.chart], style);
    option.tooltip.formatter = pointedAt;
    chart.setOption(option);
    drawn.set(place, chart);
  }

  // A place in a hidden tab has no size yet: it is drawn when it gets one.
  const sizes = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      if (!contentRect.width || !contentRect.height) continue;
      if (drawn.has(target)) drawn.get(target).resize();
      else draw(target);
    }
  });
  for (const place of document.querySelectorAll("[data-chart]")) sizes.observe(place);
  dark.addEventListener("change", () => [...drawn.keys()].forEach(draw));

  // On a phone a row of a table is shown as a list, where each cell needs the name of its column.
  for (const table of document.querySelectorAll("table:has(thead)")) {
    const names = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
    for (const row of table.tBodies[0].rows) {
      [...row.cells].forEach((cell, number) => (cell.dataset.label = names[number]));
    }
    table.classList.add("labelled");
  }

  const tabs = [...document.querySelectorAll("[role=tab]")];
  function choose(chosen) {
    for (const tab of tabs) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = tab !== chosen;
    }
  }
  tabs.forEach((tab, number) => {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(number + step + tabs.length) % tabs.length];
      choose(next);
      next.focus();
    });
  });

  const heat = document.getElementById("heat");
  if (heat) {
    heat.addEventListener("change", () =>
      document.getElementById("mistakes").classList.toggle("heat-off", !heat.checked)
    );
  }
})();
