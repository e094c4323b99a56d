//! `trace.perfetto`: commands per unit and the bus, for ui.perfetto.dev. One nanosecond is one cycle, so
//! that no cycle is lost to rounding.

pub mod proto;

use bitgauge_arch::command::Unit;
use bitgauge_sim::result::{CommandSpan, StallReason};
use prost::Message;

use crate::ReportInput;
use crate::number::count;
use crate::plots::Windows;
use proto::{
    CounterDescriptor, DebugAnnotation, ProcessDescriptor, ThreadDescriptor, Trace, TracePacket,
    TrackDescriptor, TrackEvent,
};

const PROCESS: u64 = 1;
const BANDWIDTH: [(u64, bool, &str); 2] = [(2, false, "bus reads"), (3, true, "bus writes")];
const PID: i32 = 1;
const BEGIN: i32 = 1;
const END: i32 = 2;
const COUNTER: i32 = 4;
/// Values of the counter at most.
const SAMPLES: u64 = 20_000;

pub fn trace(input: &ReportInput<'_>) -> Vec<u8> {
    let mut trace = Trace::default();
    let name = format!(
        "{} on {}: {} cycles, 1 ns = 1 cycle",
        input.model.name,
        input.program.accelerator.name,
        count(input.run.cycles)
    );
    describe(
        &mut trace,
        TrackDescriptor {
            uuid: Some(PROCESS),
            process: Some(ProcessDescriptor { pid: Some(PID), process_name: Some(name) }),
            ..TrackDescriptor::default()
        },
    );
    for unit in Unit::ALL {
        unit_tracks(&mut trace, input, unit);
    }
    bandwidth(&mut trace, input);
    trace.encode_to_vec()
}

fn describe(trace: &mut Trace, descriptor: TrackDescriptor) {
    trace.packet.push(TracePacket {
        trusted_packet_sequence_id: Some(1),
        track_descriptor: Some(descriptor),
        ..TracePacket::default()
    });
}

fn event(trace: &mut Trace, cycle: u64, event: TrackEvent) {
    trace.packet.push(TracePacket {
        timestamp: Some(cycle),
        trusted_packet_sequence_id: Some(1),
        track_event: Some(event),
        ..TracePacket::default()
    });
}

/// A unit's commands may overlap and slices of a track may not: overlapping ones go to further tracks.
fn unit_tracks(trace: &mut Trace, input: &ReportInput<'_>, unit: Unit) {
    let mut spans: Vec<&CommandSpan> = input.run.spans.iter().filter(|span| span.unit == unit).collect();
    spans.sort_by_key(|span| (span.start, span.command));
    let mut lanes: Vec<Vec<&CommandSpan>> = vec![Vec::new()];
    for span in spans {
        let free = lanes.iter().position(|lane| lane.last().is_none_or(|last| last.end <= span.start));
        match free {
            Some(lane) => lanes[lane].push(span),
            None => lanes.push(vec![span]),
        }
    }
    for (index, lane) in lanes.iter().enumerate() {
        let uuid = 100 * (unit.index() as u64 + 1) + index as u64;
        let name =
            if index == 0 { unit.name().to_owned() } else { format!("{} (overlap {index})", unit.name()) };
        describe(
            trace,
            TrackDescriptor {
                uuid: Some(uuid),
                parent_uuid: Some(PROCESS),
                thread: Some(ThreadDescriptor {
                    pid: Some(PID),
                    tid: Some(uuid as i32),
                    thread_name: Some(name),
                }),
                ..TrackDescriptor::default()
            },
        );
        for span in lane {
            event(
                trace,
                span.start,
                TrackEvent {
                    debug_annotations: annotations(input, span),
                    r#type: Some(BEGIN),
                    track_uuid: Some(uuid),
                    name: Some(layer_name(input, span)),
                    ..TrackEvent::default()
                },
            );
            event(
                trace,
                span.end,
                TrackEvent { r#type: Some(END), track_uuid: Some(uuid), ..TrackEvent::default() },
            );
        }
    }
}

fn layer_name(input: &ReportInput<'_>, span: &CommandSpan) -> String {
    let symbol = input.program.commands.get(span.command as usize);
    symbol
        .and_then(|symbol| input.program.layers.get(symbol.layer as usize))
        .map_or_else(|| format!("command {}", span.command), |layer| layer.name.clone())
}

fn annotations(input: &ReportInput<'_>, span: &CommandSpan) -> Vec<DebugAnnotation> {
    let number = |name: &str, value: u64| DebugAnnotation {
        name: Some(name.to_owned()),
        uint_value: Some(value),
        ..DebugAnnotation::default()
    };
    let mut annotations = vec![
        number("command", u64::from(span.command)),
        number("cycles", span.end.saturating_sub(span.start)),
    ];
    if let Some(symbol) = input.program.commands.get(span.command as usize)
        && matches!(span.unit, Unit::Load | Unit::Store)
    {
        annotations.push(DebugAnnotation {
            name: Some("operand".to_owned()),
            string_value: Some(symbol.operand.name().to_owned()),
            ..DebugAnnotation::default()
        });
    }
    for (reason, &waited) in StallReason::ALL.iter().zip(&span.waited) {
        if waited > 0 {
            annotations.push(number(&format!("waited for {}", reason.name()), waited));
        }
    }
    annotations
}

fn bandwidth(trace: &mut Trace, input: &ReportInput<'_>) {
    let bus_bytes = u64::from(input.program.accelerator.bus_bytes());
    for (uuid, write, name) in BANDWIDTH {
        let bursts: Vec<_> = input.run.bursts.iter().filter(|burst| burst.write == write).copied().collect();
        if bursts.is_empty() {
            continue;
        }
        describe(
            trace,
            TrackDescriptor {
                uuid: Some(uuid),
                name: Some(name.to_owned()),
                parent_uuid: Some(PROCESS),
                counter: Some(CounterDescriptor { unit_name: Some("bytes/cycle".to_owned()) }),
                ..TrackDescriptor::default()
            },
        );
        let windows = Windows::new(&bursts, input.run.cycles, bus_bytes, SAMPLES);
        let mut last = f64::NAN;
        for (index, bytes) in windows.bytes.iter().enumerate() {
            let length = windows.length(index, input.run.cycles);
            let value = bytes.iter().sum::<u64>() as f64 / length as f64;
            // A counter keeps its value until the next one.
            if value != last {
                counter(trace, uuid, index as u64 * windows.cycles, value);
                last = value;
            }
        }
        counter(trace, uuid, input.run.cycles, 0.0);
    }
}

fn counter(trace: &mut Trace, uuid: u64, cycle: u64, value: f64) {
    event(
        trace,
        cycle,
        TrackEvent {
            r#type: Some(COUNTER),
            track_uuid: Some(uuid),
            double_counter_value: Some(value),
            ..TrackEvent::default()
        },
    );
}
