-- Enumerations. Labels that the public contract names are fixed; a label may be added at the end, never renamed.

CREATE TYPE switchboard.user_role AS ENUM ('agent', 'supervisor', 'admin');
COMMENT ON TYPE switchboard.user_role IS
'What a user may see: agents their own and unassigned work, supervisors the whole tenant, admins also its rules.';

CREATE TYPE switchboard.agent_state AS ENUM ('offline', 'available', 'busy', 'wrap_up', 'paused');
COMMENT ON TYPE switchboard.agent_state IS 'What an agent is doing; only available agents are given calls.';

CREATE TYPE switchboard.lead_status AS ENUM ('new', 'qualified', 'hot', 'customer');
COMMENT ON TYPE switchboard.lead_status IS 'How far a contact has come, from new to customer.';

CREATE TYPE switchboard.task_priority AS ENUM ('low', 'medium', 'high');
COMMENT ON TYPE switchboard.task_priority IS 'Urgency of a task or of a triggered call, ascending.';

CREATE TYPE switchboard.task_status AS ENUM ('pending', 'in_progress', 'completed', 'canceled');
COMMENT ON TYPE switchboard.task_status IS 'Life of a task.';

CREATE TYPE switchboard.campaign_type AS ENUM ('manual', 'power', 'predictive', 'preview');
COMMENT ON TYPE switchboard.campaign_type IS
'How a campaign dials: by hand, so many lines per free agent, ahead of the agents, or after an agent has looked.';

CREATE TYPE switchboard.campaign_status AS ENUM ('draft', 'active', 'paused', 'completed', 'archived');
COMMENT ON TYPE switchboard.campaign_status IS 'Life of a campaign; only active campaigns dial.';

CREATE TYPE switchboard.campaign_contact_status AS ENUM
    ('pending', 'calling', 'completed', 'failed', 'do-not-call', 'callback');
COMMENT ON TYPE switchboard.campaign_contact_status IS
'Where a person on a campaign''s list stands; failed and callback are tried again at next_attempt_at.';

CREATE TYPE switchboard.queue_status AS ENUM ('queued', 'calling', 'completed', 'failed', 'skipped');
COMMENT ON TYPE switchboard.queue_status IS 'Where an entry of the dialer''s queue stands.';

CREATE TYPE switchboard.direction AS ENUM ('inbound', 'outbound');
COMMENT ON TYPE switchboard.direction IS 'Which way a call or message goes, seen from the tenant.';

CREATE TYPE switchboard.call_status AS ENUM
    ('initiated', 'ringing', 'answered', 'completed', 'failed', 'busy', 'no-answer', 'canceled');
COMMENT ON TYPE switchboard.call_status IS
'Progress of a call. It only moves forward; completed, failed, busy, no-answer and canceled are final.';

CREATE TYPE switchboard.answered_by AS ENUM ('human', 'machine', 'fax', 'unknown');
COMMENT ON TYPE switchboard.answered_by IS 'What picked up the phone, as far as the provider can tell.';

CREATE TYPE switchboard.sentiment AS ENUM ('positive', 'neutral', 'negative');
COMMENT ON TYPE switchboard.sentiment IS 'Mood found in a transcript.';

CREATE TYPE switchboard.call_disposition AS ENUM
    ('interested', 'not-interested', 'callback', 'wrong-number', 'no-answer', 'voicemail', 'do-not-call', 'qualified',
     'not-qualified');
COMMENT ON TYPE switchboard.call_disposition IS 'What an agent concluded after a call.';

CREATE TYPE switchboard.trigger_type AS ENUM ('price_drop', 'stock_alert', 'promotion');
COMMENT ON TYPE switchboard.trigger_type IS 'Why a triggered call is made.';

CREATE TYPE switchboard.call_trigger_status AS ENUM ('scheduled', 'calling', 'completed', 'failed', 'canceled');
COMMENT ON TYPE switchboard.call_trigger_status IS 'Life of a triggered call.';

CREATE TYPE switchboard.support_priority AS ENUM ('low', 'medium', 'high', 'urgent');
COMMENT ON TYPE switchboard.support_priority IS 'Urgency of a support request, ascending.';

CREATE TYPE switchboard.support_status AS ENUM ('pending', 'assigned', 'resolved', 'closed');
COMMENT ON TYPE switchboard.support_status IS 'Life of a support request.';

CREATE TYPE switchboard.channel AS ENUM ('voice', 'whatsapp', 'sms');
COMMENT ON TYPE switchboard.channel IS 'A way to reach a contact.';

CREATE TYPE switchboard.session_status AS ENUM ('active', 'closed', 'follow_up');
COMMENT ON TYPE switchboard.session_status IS 'Life of a conversation; active and follow_up are open.';

CREATE TYPE switchboard.message_sender AS ENUM ('customer', 'assistant', 'agent', 'system');
COMMENT ON TYPE switchboard.message_sender IS 'Who wrote a message.';

CREATE TYPE switchboard.delivery_status AS ENUM ('queued', 'sent', 'delivered', 'read', 'failed');
COMMENT ON TYPE switchboard.delivery_status IS 'How far a message has come; it only moves forward.';

CREATE TYPE switchboard.job_state AS ENUM ('ready', 'running', 'in_doubt', 'done', 'dead');
COMMENT ON TYPE switchboard.job_state IS
'Life of a job. in_doubt: it may or may not have happened, the provider is asked; done and dead are final.';

CREATE TYPE switchboard.decision_stage AS ENUM ('queue', 'send');
COMMENT ON TYPE switchboard.decision_stage IS 'When a compliance decision was taken: on queueing, or just before sending.';
