//! Queues: they come and go with the channels, and what is set on one goes with it (net/core/net-sysfs.c).

use trimtab_core::address::link::Channel;
use trimtab_core::address::link::Direction;
use trimtab_core::address::link::LinkAttribute;
use trimtab_core::address::link::Queue;
use trimtab_core::address::link::QueueAttribute;
use trimtab_core::observed::Reading;
use trimtab_core::value::Ports;
use trimtab_core::value::Value;

use super::Refused;
use super::device::Device;

impl Device {
    /// How many queues of a direction it works with.
    pub(super) fn queues_of(&self, direction: Direction) -> u16 {
        let (own, allocated) = match direction {
            Direction::Rx => (Channel::Rx, self.allocated.0),
            Direction::Tx => (Channel::Tx, self.allocated.1),
        };
        let count = |channel| self.number(&LinkAttribute::Channel(channel));
        match (count(own), count(Channel::Combined)) {
            (None, None) => allocated,
            (own, combined) => {
                let count = own.unwrap_or(0).saturating_add(combined.unwrap_or(0));
                u16::try_from(count).unwrap_or(allocated).min(allocated)
            }
        }
    }

    /// Queues for as many as there are now: new ones come empty, others go, the rest keep what they have.
    pub(super) fn make_queues(&mut self, cpus: u16) {
        for attribute in QueueAttribute::ALL.iter().copied() {
            let count = self.queues_of(attribute.direction());
            self.queues.retain(|queue, _| queue.attribute != attribute || queue.index < count);
            for index in 0..count {
                self.queues.entry(Queue { index, attribute }).or_insert_with(|| empty(attribute));
            }
        }
        if self.sets_xps {
            self.spread_xps(cpus);
        }
    }

    /// Each CPU sends through one queue (drivers/net/virtio_net.c `virtnet_set_affinity`).
    fn spread_xps(&mut self, cpus: u16) {
        let queues = self.queues_of(Direction::Tx).max(1);
        let stride = (cpus / queues).max(1);
        for index in 0..queues {
            let first = index.saturating_mul(stride);
            let last = if index + 1 == queues { cpus.saturating_sub(1) } else { first + stride - 1 };
            let set = Ports::from_ranges([(first, last.min(cpus.saturating_sub(1)))]);
            self.queues.insert(Queue { index, attribute: QueueAttribute::XpsCpus }, Value::Cpus(set));
        }
    }

    pub(super) fn read_queue(&self, queue: Queue) -> Reading {
        match self.queues.get(&queue) {
            // `xps_cpus_show`: `netif_is_multiqueue`.
            Some(_) if self.has_no_xps(queue) => Reading::Unsupported,
            Some(value) => Reading::Typed { value: value.clone(), writable: true },
            None => Reading::Absent,
        }
    }

    fn has_no_xps(&self, queue: Queue) -> bool {
        queue.attribute == QueueAttribute::XpsCpus && self.allocated.1 == 1
    }

    /// Puts a value in place without any law.
    pub(super) fn put_queue(&mut self, queue: Queue, value: Value) {
        if let Some(held) = self.queues.get_mut(&queue) {
            *held = value;
        }
    }

    /// One write(2) to the file of a queue.
    pub(super) fn write_queue(&mut self, queue: Queue, value: &Value, cpus: u16) -> Result<(), Refused> {
        if !self.queues.contains_key(&queue) {
            return Err(Refused::Io(libc::ENOENT));
        }
        if self.has_no_xps(queue) {
            return Err(Refused::Io(libc::ENOENT));
        }
        let most = match queue.attribute {
            QueueAttribute::RpsCpus | QueueAttribute::XpsCpus => cpus,
            QueueAttribute::XpsRxqs => self.allocated.0,
            QueueAttribute::RpsFlowCnt => return self.write_flow_count(queue, value),
        };
        let Value::Cpus(set) = value else { return Err(Refused::Io(libc::EINVAL)) };
        // lib/bitmap-str.c `bitmap_parse`.
        if set.ranges().last().is_some_and(|(_, last)| *last >= most) {
            return Err(Refused::Io(libc::EOVERFLOW));
        }
        self.put_queue(queue, value.clone());
        Ok(())
    }

    /// `store_rps_dev_flow_table_cnt`: the table has a power of two of entries.
    fn write_flow_count(&mut self, queue: Queue, value: &Value) -> Result<(), Refused> {
        let count = value.as_int().and_then(|count| u32::try_from(count).ok()).ok_or(Refused::Io(libc::EINVAL))?;
        let rounded = if count == 0 { 0 } else { i64::from(count.checked_next_power_of_two().unwrap_or(u32::MAX)) };
        self.put_queue(queue, Value::Int(rounded));
        Ok(())
    }
}

/// What a queue has that nobody has set.
fn empty(attribute: QueueAttribute) -> Value {
    match attribute {
        QueueAttribute::RpsFlowCnt => Value::Int(0),
        QueueAttribute::RpsCpus | QueueAttribute::XpsCpus | QueueAttribute::XpsRxqs => Value::Cpus(Ports::default()),
    }
}
