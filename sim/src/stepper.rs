//! The cycle contract once more, one cycle at a time and as literally as possible: the measure of the
//! event-driven engine. Slow, and free of cleverness on purpose.

use std::collections::VecDeque;
use std::rc::Rc;

use bitgauge_arch::command::Unit;
use bitgauge_arch::timing::{
    COMPUTE_SETUP, ComputeTiming, DmaShape, FEED_LATENCY, LOAD_SETUP, POST_LATENCY, STORE_READ_LATENCY,
    STORE_SETUP, STORE_ZVC_CHOICE, STORE_ZVC_LATENCY, UNPACK_LATENCY, ZVC_TABLE_CYCLES, bursts,
};

use crate::engine::DataPath;
use crate::exec::Coded;
use crate::plan::{Plan, Shape, Step};
use crate::result::{StallReason, UnitCycles};
use bitgauge_arch::timing::{FETCH_BURST_BYTES, IN_FLIGHT};

/// What both engines must agree on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Stepped {
    pub cycles: u64,
    pub units: [UnitCycles; 4],
    /// Command, start, end, cycles waited; in the order of starts.
    pub spans: Vec<(u32, u64, u64, [u64; 6])>,
    /// First beat, address, beats, write; in the order of grants.
    pub bursts: Vec<(u64, u64, u64, bool)>,
}

#[derive(Clone, Copy)]
struct Asked {
    cycle: u64,
    address: u64,
    beats: u64,
    /// Load: of the table. Store: of the table; last of its command.
    table: bool,
    last: Option<u32>,
}

struct OnBus {
    who: usize,
    granted: u64,
    asked: Asked,
    moved: u64,
}

struct Flying {
    command: u32,
    span: usize,
    end: Option<u64>,
    early_end: Option<u64>,
}

#[derive(Default)]
struct Line {
    /// Beats that must have come (load) or are complete (store), of all commands together.
    beats: u64,
    /// Beats that leave the FIFO with it (load).
    leaving: u64,
    /// Load: not before this cycle.
    from: u64,
    cycles: u64,
    last_of: Option<u32>,
    /// Store: bursts that the line makes ready, and after how many cycles.
    ready: Vec<Asked>,
    inside: u64,
    /// Store: cycles to the next read at least.
    hold: u64,
}

/// Steps through the plan; `None` where it takes longer than `limit` cycles.
// One cycle of the whole machine, top to bottom, in the order of the contract: it is read as one page.
#[allow(clippy::too_many_lines)]
pub(crate) fn run<D: DataPath>(plan: &Plan, data: &mut D, limit: u64) -> Option<Stepped> {
    let bus = plan.bus;
    let mut result = Stepped::default();
    let most_fetch = FETCH_BURST_BYTES.min(plan.max_burst_beats * bus) / bus;
    let mut fetch_left: VecDeque<(u64, u64)> = VecDeque::new();
    let total = plan.steps.len() as u64 * 16 / bus;
    let mut at = 0;
    while at < total {
        let address = plan.command_address + at * bus;
        let page = (4096 - address % 4096) / bus;
        let beats = (most_fetch - at % most_fetch).min(total - at).min(page);
        fetch_left.push_back((address, beats));
        at += beats;
    }
    let (mut fetch_asked, mut fetch_beats, mut fetch_busy, mut fetch_free) = (0u64, 0u64, false, 1u64);
    let mut dispatched = 0usize;
    let mut queues: [VecDeque<(u64, Step)>; 4] = Default::default();
    let mut flying: [VecDeque<Flying>; 4] = Default::default();
    let mut waited = [[0u64; 6]; 4];
    let mut tokens = [[0u32; 4]; 4];
    let mut pending: [Option<Asked>; 3] = [None; 3];
    let mut on_bus: VecDeque<OnBus> = VecDeque::new();
    let mut last_granted = 2;
    // Load.
    let mut load_ask: VecDeque<Asked> = VecDeque::new();
    let (mut load_asking, mut load_free, mut tables_on_bus, mut tables_seen) = (false, 0u64, 0u64, 0u64);
    let (mut load_asked, mut load_came, mut load_left) = (0u64, 0u64, 0u64);
    let mut load_base = 0u64;
    let mut load_lines: VecDeque<Line> = VecDeque::new();
    let (mut load_cooldown, mut load_leaving) = (0u64, 0u64);
    // Store.
    let mut store_lines: VecDeque<Line> = VecDeque::new();
    let (mut store_base, mut store_left) = (0u64, 0u64);
    let (mut store_cooldown, mut store_not_before, mut store_free, mut store_ask_free) =
        (0u64, 0u64, 0u64, 0u64);
    let mut store_ready: VecDeque<Asked> = VecDeque::new();
    let mut store_responses: VecDeque<u64> = VecDeque::new();
    // Compute: first stage.
    let mut stage: Option<(ComputeTiming, u64, u64, u64, u32)> = None; // timing, setup left, fold, position, command
    let (mut shadow_free, mut drain_free, mut compute_free) = (0u64, 0u64, 0u64);
    let mut vector_free = 0u64;

    for now in 0..limit {
        // What left its FIFO in this cycle makes room in the next.
        let (load_left_seen, store_left_seen, dispatched_seen) = (load_left, store_left, dispatched as u64);
        for unit in 0..4 {
            // One a cycle at most.
            if flying[unit].front().is_some_and(|command| command.end.is_some_and(|end| end <= now)) {
                let command = flying[unit].pop_front()?;
                result.spans[command.span].2 = now;
                let signal = plan.commands[command.command as usize].signal;
                for (to, counter) in tokens[unit].iter_mut().enumerate() {
                    *counter += u32::from(signal >> to & 1);
                }
            }
        }
        store_responses.retain(|&response| response > now);
        // Fetch.
        if let Some(&(address, beats)) = fetch_left.front()
            && !fetch_busy
            && now >= fetch_free
            && fetch_asked + beats * bus
                <= 16 * (dispatched_seen + u64::from(plan.accelerator.controller.prefetch_words))
        {
            pending[0] = Some(Asked { cycle: now, address, beats, table: false, last: None });
            fetch_busy = true;
        }
        // Dispatch. Beats that move in this cycle are counted at its end.
        if (dispatched as u64 + 1) * 16 <= fetch_beats * bus {
            match plan.steps[dispatched] {
                Step::End => {
                    if queues.iter().all(VecDeque::is_empty) && flying.iter().all(VecDeque::is_empty) {
                        result.cycles = now + 1;
                        // The last cycle is idle for all.
                        for unit in &mut result.units {
                            unit.idle += 1;
                        }
                        return Some(result);
                    }
                }
                step @ (Step::Set(unit) | Step::Exec(unit, _)) => {
                    let queue = &mut queues[unit.index()];
                    if queue.len() < plan.accelerator.controller.queue_words as usize {
                        queue.push_back((now + 1, step));
                        dispatched += 1;
                    }
                }
            }
        }
        // Fronts.
        let mut reasons = [None; 4];
        for unit in 0..4 {
            let Some(&(seen, step)) = queues[unit].front() else { continue };
            if seen > now {
                continue;
            }
            let Step::Exec(_, number) = step else {
                queues[unit].pop_front();
                continue;
            };
            let wait = plan.shared[number as usize].wait;
            let missing = (0..4).any(|from| {
                wait >> from & 1 == 1
                    && if from == unit { !flying[unit].is_empty() } else { tokens[from][unit] == 0 }
            });
            let mut held = 0;
            for other in (0..4).filter(|&other| other != unit) {
                for command in &flying[other] {
                    let planned = &plan.shared[command.command as usize];
                    held |= planned.late_ports;
                    if command.early_end.is_none_or(|end| end > now) {
                        held |= planned.early_ports;
                    }
                }
            }
            reasons[unit] = if missing {
                Some(StallReason::Token)
            } else if held & plan.shared[number as usize].ports() != 0 {
                Some(StallReason::Bank)
            } else {
                None
            };
            if let Some(reason) = reasons[unit] {
                waited[unit][reason as usize] += 1;
                continue;
            }
            let free = match unit {
                0 => load_ask.is_empty() && !load_asking && now >= load_free,
                1 => stage.is_none() && now >= compute_free,
                2 => now >= vector_free,
                _ => store_lines.is_empty() && now >= store_free,
            };
            if !free || flying[unit].len() >= IN_FLIGHT {
                continue;
            }
            queues[unit].pop_front();
            for from in (0..4).filter(|&from| from != unit && wait >> from & 1 == 1) {
                tokens[from][unit] -= 1;
            }
            let coded = data.execute(number as usize).unwrap();
            let mut end = None;
            match plan.shapes[number as usize] {
                Shape::Vector(cycles) => {
                    vector_free = now + cycles;
                    end = Some(now + cycles);
                }
                Shape::Compute(timing) => stage = Some((timing, COMPUTE_SETUP, 0, 0, number)),
                Shape::Load(transfer) => {
                    let shape = transfer.shape;
                    if shape.lines() == 0 {
                        // It counts as one line, which writes nothing.
                        let from = now + LOAD_SETUP + 2;
                        load_lines.push_back(Line {
                            beats: load_base,
                            cycles: 1,
                            from,
                            last_of: Some(number),
                            ..Line::default()
                        });
                        load_free = now + 1 + LOAD_SETUP;
                    } else {
                        let cut = |address: u64, bytes: u64, table: bool| {
                            bursts(&plan.accelerator, address, bytes).map(move |(address, beats)| Asked {
                                cycle: 0,
                                address,
                                beats,
                                table,
                                last: None,
                            })
                        };
                        if coded.is_some() {
                            load_ask.extend(cut(u64::from(transfer.table), 2 * shape.blocks, true));
                        }
                        for block in 0..shape.blocks {
                            let bytes = coded.as_ref().map_or(shape.raw_bytes, |coded| {
                                u64::from(coded.blocks[block as usize].beats) * bus
                            });
                            let address = u64::from(transfer.external) + block * u64::from(transfer.stride);
                            load_ask.extend(cut(address, bytes, false));
                        }
                        load_free = now + 1;
                        plan_load_lines(
                            plan,
                            number,
                            &shape,
                            coded.as_ref(),
                            &mut load_base,
                            &mut load_lines,
                        );
                    }
                }
                Shape::Store(transfer) => {
                    let shape = transfer.shape;
                    if shape.lines() == 0 {
                        end = Some(now + STORE_READ_LATENCY);
                        store_free = now + 1;
                    } else {
                        let places = (
                            u64::from(transfer.external),
                            u64::from(transfer.stride),
                            u64::from(transfer.table),
                        );
                        plan_store_lines(
                            plan,
                            number,
                            &shape,
                            coded.as_ref(),
                            places,
                            &mut store_base,
                            &mut store_lines,
                        );
                        store_not_before = store_not_before.max(now + 1 + STORE_SETUP);
                    }
                }
            }
            flying[unit].push_back(Flying {
                command: number,
                span: result.spans.len(),
                end,
                early_end: None,
            });
            result.spans.push((number, now, 0, std::mem::take(&mut waited[unit])));
        }
        // Compute's first stage.
        let mut compute_busy = false;
        let mut compute_stalled = false;
        if let Some((timing, setup, fold, position, number)) = &mut stage {
            let mut over = None;
            if *setup > 0 {
                *setup -= 1;
                compute_busy = true;
                if *setup == 0 && timing.folds() == 0 {
                    over = Some((now + 1, now + 1));
                }
            } else {
                let first = *fold == 0 && *position == 0;
                let fold_end = now + FEED_LATENCY + timing.beats;
                if first && (fold_end < shadow_free || fold_end + timing.drain_offset < drain_free) {
                    compute_stalled = true;
                } else {
                    if *position < timing.beats {
                        compute_busy = true;
                    } else {
                        compute_stalled = true;
                    }
                    *position += 1;
                    let fed = now + 1;
                    if *fold + 1 == timing.folds() && *position == timing.beats {
                        let last = fed + FEED_LATENCY;
                        shadow_free = last + timing.drain_interval;
                        drain_free = last + timing.drain_offset + timing.drain_cycles;
                        over = Some((fed, drain_free + POST_LATENCY));
                    } else if *position == timing.interval {
                        *position = 0;
                        *fold += 1;
                    }
                }
            }
            if let Some((free, end)) = over {
                compute_free = free;
                let number = *number;
                let command = flying[1].iter_mut().find(|command| command.command == number)?;
                command.early_end = Some(free);
                command.end = Some(end);
                stage = None;
            }
        } else {
            compute_busy = !flying[1].is_empty();
        }
        // Load requests.
        if let Some(next) = load_ask.front().copied()
            && !load_asking
            && now >= load_free
            && (next.table || tables_on_bus == 0 && now >= tables_seen)
            // The table's buffer is free once the lines of all earlier commands are written.
            && (!next.table
                || load_cooldown == 0 && load_lines.iter().filter(|line| line.last_of.is_some()).count() == 1)
            && (next.table || load_asked - load_left_seen + next.beats <= plan.load_fifo_beats())
            // A command's first request comes after its setup.
            && result.spans.iter().rev().find(|span| plan.shared[span.0 as usize].unit == Unit::Load)?.1 + LOAD_SETUP < now
        {
            pending[1] = Some(Asked { cycle: now, ..next });
            load_asking = true;
        }
        // Load writes.
        let mut load_busy = load_cooldown > 0;
        load_cooldown = load_cooldown.saturating_sub(1);
        if !load_busy && load_lines.front().is_some_and(|line| line.beats <= load_came && line.from <= now) {
            let line = load_lines.pop_front()?;
            load_busy = true;
            load_leaving = line.leaving;
            load_cooldown = line.cycles - 1;
            if let Some(number) = line.last_of {
                let end = now + line.cycles - 1 + UNPACK_LATENCY;
                flying[0].iter_mut().find(|command| command.command == number)?.end = Some(end);
            }
        }
        if load_cooldown == 0 {
            load_left += std::mem::take(&mut load_leaving);
        }
        let load_memory = flying[0].iter().any(|command| command.end.is_none());
        // Store reads.
        let store_codec = store_cooldown > 0;
        let mut store_busy = store_codec;
        store_cooldown = store_cooldown.saturating_sub(1);
        if !store_codec
            && now >= store_not_before
            && store_lines.front().is_some_and(|line| line.beats - store_left_seen <= plan.store_fifo_beats())
        {
            let line = store_lines.pop_front()?;
            store_busy = true;
            store_cooldown = line.cycles - 1;
            store_not_before = now + line.hold;
            store_ready.extend(line.ready.iter().map(|asked| Asked { cycle: now + line.inside, ..*asked }));
            if line.last_of.is_some() {
                store_free = now + line.cycles;
            }
        }
        // Store requests.
        if let Some(next) = store_ready.front().copied()
            && pending[2].is_none()
            && now >= store_ask_free
            && now >= next.cycle
        {
            pending[2] = Some(Asked { cycle: now, ..next });
            store_ready.pop_front();
        }
        // Arbiter.
        let mut store_memory = pending[2].is_some() || !store_responses.is_empty();
        let places = on_bus.len();
        let order = if last_granted == 1 { [0, 2, 1] } else { [0, 1, 2] };
        let winner = order.into_iter().find(|&who| pending[who].is_some_and(|asked| asked.cycle < now));
        if let Some(who) = winner.filter(|_| places < 4) {
            let asked = pending[who].take()?;
            on_bus.push_back(OnBus { who, granted: now, asked, moved: 0 });
            result.bursts.push((0, asked.address, asked.beats, who == 2));
            match who {
                0 => {
                    fetch_asked += asked.beats * bus;
                    fetch_left.pop_front();
                    fetch_busy = false;
                    fetch_free = now + 1;
                }
                1 => {
                    last_granted = 1;
                    load_asking = false;
                    load_free = now + 1;
                    load_ask.pop_front();
                    if asked.table {
                        tables_on_bus += 1;
                    } else {
                        load_asked += asked.beats;
                    }
                }
                _ => {
                    last_granted = 2;
                    store_ask_free = now + 1;
                    store_responses.push_back(u64::MAX);
                }
            }
        }
        // The bus moves a beat.
        let granted_so_far = result.bursts.len();
        let waiting = on_bus.len();
        if let Some(burst) = on_bus.front_mut().filter(|burst| now >= burst.granted + plan.latency) {
            if burst.moved == 0 {
                result.bursts[granted_so_far - waiting].0 = now;
            }
            burst.moved += 1;
            let done = burst.moved == burst.asked.beats;
            match burst.who {
                0 => fetch_beats += 1,
                1 if burst.asked.table => {
                    if done {
                        tables_on_bus -= 1;
                        tables_seen = now + 1 + ZVC_TABLE_CYCLES;
                    }
                }
                1 => load_came += 1,
                _ => {
                    store_busy = true;
                    store_left += 1;
                    if done {
                        let response = now + 1 + plan.latency;
                        if let Some(slot) = store_responses.iter_mut().find(|slot| **slot == u64::MAX) {
                            *slot = response;
                        }
                        if let Some(number) = burst.asked.last {
                            flying[3].iter_mut().find(|command| command.command == number)?.end =
                                Some(response);
                        }
                    }
                }
            }
            if done {
                on_bus.pop_front();
            }
        }
        store_memory |= !store_responses.is_empty();
        // Where the cycle went.
        for unit in 0..4 {
            let running = !flying[unit].is_empty();
            let busy = [load_busy, compute_busy, running, store_busy][unit];
            let reason = reasons[unit].or(match unit {
                0 if load_memory => Some(StallReason::Memory),
                0 if running => Some(StallReason::Codec),
                1 if compute_stalled => Some(StallReason::Drain),
                3 if store_memory => Some(StallReason::Memory),
                3 if running => Some(StallReason::Operand),
                _ => None,
            });
            let counts = &mut result.units[unit];
            match (busy, reason) {
                (true, _) => counts.busy += 1,
                (_, Some(reason)) => counts.stalled[reason as usize] += 1,
                _ => counts.idle += 1,
            }
        }
    }
    None
}

/// Lines of a load, with the beats each needs.
fn plan_load_lines(
    plan: &Plan,
    number: u32,
    shape: &DmaShape,
    coded: Option<&Rc<Coded>>,
    base: &mut u64,
    lines: &mut VecDeque<Line>,
) {
    let beat_bits = 8 * plan.bus;
    let (line_bits, last_bits) = line_bits(plan, number);
    let mut written = 0;
    for block in 0..shape.blocks {
        let beats = coded.map_or(shape.raw_bytes.div_ceil(plan.bus), |coded| {
            u64::from(coded.blocks[block as usize].beats)
        });
        let (mut bits, mut left) = (0, 0);
        for index in 0..shape.pixels * shape.pixel_lines {
            let before = bits;
            bits += if (index + 1) % shape.pixel_lines == 0 { last_bits } else { line_bits };
            let mut needed = bits.div_ceil(beat_bits);
            if let Some(coded) = coded {
                bits = u64::from(coded.line_bits[written]);
                needed = (before + shape.most_line_bits).div_ceil(beat_bits).min(beats);
            }
            written += 1;
            let last = index + 1 == shape.pixels * shape.pixel_lines;
            let leave = if last { beats } else { bits / beat_bits };
            lines.push_back(Line {
                beats: *base + needed,
                leaving: leave - left,
                cycles: shape.cycles_per_line,
                last_of: (last && block + 1 == shape.blocks).then_some(number),
                ..Line::default()
            });
            left = leave;
        }
        *base += beats;
    }
}

/// Lines of a store, with the beats each completes and the bursts each makes ready.
fn plan_store_lines(
    plan: &Plan,
    number: u32,
    shape: &DmaShape,
    coded: Option<&Rc<Coded>>,
    (external, stride, table): (u64, u64, u64),
    base: &mut u64,
    lines: &mut VecDeque<Line>,
) {
    let beat_bits = 8 * plan.bus;
    let (line_bits, last_bits) = line_bits(plan, number);
    let asked = |(address, beats): (u64, u64)| Asked { cycle: 0, address, beats, table: false, last: None };
    let count = shape.pixels * shape.pixel_lines;
    let plain = |beats: u64, ready: Vec<Asked>| Line {
        beats,
        cycles: 1,
        ready,
        inside: STORE_READ_LATENCY,
        hold: 1,
        ..Line::default()
    };
    for block in 0..shape.blocks {
        let address = external + block * stride;
        if let Some(coded) = coded {
            // Counted, then coded once all of it has room.
            let bytes = u64::from(coded.blocks[block as usize].bytes);
            for index in 0..count {
                let hold = if index + 1 == count { STORE_ZVC_CHOICE } else { 1 };
                lines.push_back(Line { hold, ..plain(*base, vec![]) });
            }
            *base += bytes.div_ceil(plan.bus);
            let cycles = shape.cycles_per_line;
            for index in 0..count {
                let mut line = Line { cycles, hold: cycles, ..plain(*base, vec![]) };
                if index + 1 == count {
                    line.ready = bursts(&plan.accelerator, address, bytes).map(asked).collect();
                    line.inside = cycles - 1 + STORE_ZVC_LATENCY;
                    line.hold = line.inside + 1;
                }
                lines.push_back(line);
            }
            continue;
        }
        let mut cut: VecDeque<Asked> =
            bursts(&plan.accelerator, address, shape.raw_bytes).map(asked).collect();
        let (mut bits, mut handed) = (0u64, 0);
        for index in 0..count {
            bits += if (index + 1) % shape.pixel_lines == 0 { last_bits } else { line_bits };
            let beats = if index + 1 == count { bits.div_ceil(beat_bits) } else { bits / beat_bits };
            lines.push_back(plain(*base + beats, ready_bursts(&mut cut, &mut handed, beats)));
        }
        *base += shape.raw_bytes.div_ceil(plan.bus);
    }
    if coded.is_some() {
        // The table, a beat at a time.
        let mut cut: VecDeque<Asked> = bursts(&plan.accelerator, table, 2 * shape.blocks)
            .map(|burst| Asked { table: true, ..asked(burst) })
            .collect();
        let mut handed = 0;
        for beats in 1..=(2 * shape.blocks).div_ceil(plan.bus) {
            *base += 1;
            lines.push_back(plain(*base, ready_bursts(&mut cut, &mut handed, beats)));
        }
    }
    let last = lines.back_mut().unwrap();
    last.last_of = Some(number);
    last.ready.last_mut().unwrap().last = Some(number);
}

/// Takes the bursts that `beats` beats of their block complete.
fn ready_bursts(cut: &mut VecDeque<Asked>, handed: &mut u64, beats: u64) -> Vec<Asked> {
    let mut ready = vec![];
    while cut.front().is_some_and(|burst| *handed + burst.beats <= beats) {
        let burst = cut.pop_front().unwrap();
        *handed += burst.beats;
        ready.push(burst);
    }
    ready
}

/// Bits of a whole line, and of the last line of a pixel.
fn line_bits(plan: &Plan, number: u32) -> (u64, u64) {
    let (Shape::Load(transfer) | Shape::Store(transfer)) = plan.shapes[number as usize] else {
        unreachable!()
    };
    (u64::from(transfer.line_bits), u64::from(transfer.last_bits))
}
